-- What a person under order asks for and may know, and how he enters his page. Times are unix milliseconds, UTC.
CREATE TABLE asks (
    id         TEXT   PRIMARY KEY,
    person     TEXT   NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    at_ms      BIGINT NOT NULL,
    kind       TEXT   NOT NULL, -- 'food', 'medicine', 'help', 'absence', 'dispute'
    about      TEXT   NOT NULL, -- of an absence its reason, of a dispute what is disputed; else empty
    note       TEXT   NOT NULL, -- in the person's own words
    from_ms    BIGINT,          -- of an absence
    until_ms   BIGINT,
    due_ms     BIGINT NOT NULL, -- the reply clock
    told_by    TEXT   NOT NULL, -- the person, or the officer who had him on the telephone
    accepted   INTEGER,         -- null: nobody decided yet
    reply      TEXT   NOT NULL DEFAULT '',
    decided_ms BIGINT,
    decided_by TEXT,
    absence    TEXT             -- that was granted for it
);
CREATE INDEX asks_at ON asks (at_ms, id);
CREATE INDEX asks_open ON asks (due_ms) WHERE decided_ms IS NULL;

-- Who looked at what of a person; one row for a look that goes on.
CREATE TABLE accesses (
    id     TEXT   PRIMARY KEY,
    person TEXT   NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    at_ms  BIGINT NOT NULL,
    viewer TEXT   NOT NULL,
    role   TEXT   NOT NULL,
    what   TEXT   NOT NULL
);
CREATE INDEX accesses_of ON accesses (person, at_ms);

CREATE TABLE vaccinations (
    id       TEXT    PRIMARY KEY,
    person   TEXT    NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    at_ms    BIGINT  NOT NULL, -- when it was told
    given_ms BIGINT  NOT NULL,
    vaccine  TEXT    NOT NULL,
    dose     INTEGER NOT NULL,
    told_by  TEXT    NOT NULL
);
CREATE INDEX vaccinations_of ON vaccinations (person, given_ms);

-- The two halves of an entry: the QR code on the kit, and a code that opens once.
CREATE TABLE kits (
    kit_hash   TEXT   PRIMARY KEY,
    person     TEXT   NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    revoked_ms BIGINT
);
CREATE INDEX kits_of ON kits (person);

CREATE TABLE entry_codes (
    person     TEXT    PRIMARY KEY REFERENCES persons (id) ON DELETE CASCADE,
    code_hash  TEXT    NOT NULL,
    expires_ms BIGINT  NOT NULL,
    tries      INTEGER NOT NULL DEFAULT 0, -- wrong ones
    used_ms    BIGINT
);

-- Receipts of erasures: what was erased, by counts. They name nobody.
CREATE TABLE erasures (
    id     TEXT   PRIMARY KEY,
    at_ms  BIGINT NOT NULL,
    asker  TEXT   NOT NULL, -- 'person', or an officer's id
    counts TEXT   NOT NULL  -- JSON: table -> rows
);
