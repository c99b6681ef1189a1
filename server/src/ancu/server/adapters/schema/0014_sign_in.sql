-- How officers prove who they are, beside a password. Times are unix milliseconds, UTC.

-- Where a failed login came from: a keyed hash of the network, or of a device that the officer has used before.
ALTER TABLE login_attempts ADD COLUMN source BLOB NOT NULL DEFAULT x'';

-- Devices that an officer has signed in with; what strangers try elsewhere does not shut these out.
CREATE TABLE login_devices (
    token_hash BLOB   PRIMARY KEY,
    officer    TEXT   NOT NULL REFERENCES officers (id),
    seen_ms    BIGINT NOT NULL
);
CREATE INDEX login_devices_of ON login_devices (officer);

-- One-time codes. Without a time of confirmation the officer has not yet shown that his telephone has the secret.
CREATE TABLE login_codes (
    officer      TEXT   PRIMARY KEY REFERENCES officers (id),
    sealed       BLOB   NOT NULL,
    confirmed_ms BIGINT,
    last_step    BIGINT NOT NULL DEFAULT 0 -- of the last code that was taken: none is taken twice
);

CREATE TABLE login_passkeys (
    id         BLOB   PRIMARY KEY, -- as the authenticator named it
    officer    TEXT   NOT NULL REFERENCES officers (id),
    public_key BLOB   NOT NULL,
    uses       BIGINT NOT NULL,    -- the authenticator's counter; 0 where it keeps none
    label      TEXT   NOT NULL,
    created_ms BIGINT NOT NULL,
    used_ms    BIGINT
);
CREATE INDEX login_passkeys_of ON login_passkeys (officer);

-- Who an officer is at the province's identity provider.
CREATE TABLE login_identities (
    issuer     TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    officer    TEXT   NOT NULL REFERENCES officers (id),
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);

-- A sign-in that has begun and waits for its second half. Each opens once.
CREATE TABLE login_steps (
    token_hash BLOB   PRIMARY KEY,
    purpose    TEXT   NOT NULL CHECK (purpose IN ('code', 'passkey', 'new_passkey', 'oidc')),
    officer    TEXT   REFERENCES officers (id),
    value      BLOB   NOT NULL,
    expires_ms BIGINT NOT NULL
);

-- A ward that an officer opened for himself in an emergency, with his reason. Its own officers see it.
CREATE TABLE broken_glass (
    id       TEXT   PRIMARY KEY,
    officer  TEXT   NOT NULL REFERENCES officers (id),
    ward     TEXT   NOT NULL REFERENCES wards (code),
    reason   TEXT   NOT NULL,
    from_ms  BIGINT NOT NULL,
    until_ms BIGINT NOT NULL
);
CREATE INDEX broken_glass_of ON broken_glass (officer, until_ms);
CREATE INDEX broken_glass_in ON broken_glass (ward, from_ms);
