-- Who is signed in to pages and API. Secrets are kept as SHA-256 of 256 random bits. Times are unix milliseconds, UTC.
CREATE TABLE web_sessions (
    token_hash BLOB   PRIMARY KEY,
    officer    TEXT   REFERENCES officers (id),
    person     TEXT   REFERENCES persons (id),
    created_ms BIGINT NOT NULL,
    touched_ms BIGINT NOT NULL, -- by a person, not by a timer; written at most once a minute
    expires_ms BIGINT NOT NULL,
    CHECK ((officer IS NULL) <> (person IS NULL))
);
CREATE INDEX web_sessions_end ON web_sessions (expires_ms);

-- Tokens of officers' scripts.
CREATE TABLE web_tokens (
    token_hash BLOB   PRIMARY KEY,
    officer    TEXT   NOT NULL REFERENCES officers (id),
    label      TEXT   NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    revoked_ms BIGINT
);

-- Failed tries at access codes, by a hash of the address they came from.
CREATE TABLE web_attempts (
    source BLOB   NOT NULL,
    at_ms  BIGINT NOT NULL
);
CREATE INDEX web_attempts_of ON web_attempts (source, at_ms);
