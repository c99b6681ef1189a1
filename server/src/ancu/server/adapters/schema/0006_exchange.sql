-- What other platforms, officers and persons under order tell through the API. Times are unix milliseconds, UTC.
-- The judge's own record of it is in the inbox; these are for reading.
CREATE TABLE checkpoint_scans (
    id          TEXT   PRIMARY KEY,
    person      TEXT   NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    checkpoint  TEXT   NOT NULL,
    at_ms       BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    told_by     TEXT   NOT NULL
);
CREATE INDEX checkpoint_scans_at ON checkpoint_scans (at_ms, id);

CREATE TABLE absences (
    id          TEXT   PRIMARY KEY,
    person      TEXT   NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    at_ms       BIGINT NOT NULL, -- when it was granted
    from_ms     BIGINT NOT NULL,
    until_ms    BIGINT NOT NULL CHECK (until_ms > from_ms),
    reason      TEXT   NOT NULL,
    checkpoints TEXT   NOT NULL, -- JSON; empty: any
    granted_by  TEXT   NOT NULL,
    ended_ms    BIGINT,
    ended_by    TEXT
);
CREATE INDEX absences_at ON absences (at_ms, id);
CREATE INDEX absences_of ON absences (person, until_ms);

CREATE TABLE checkins (
    id       TEXT   PRIMARY KEY,
    person   TEXT   NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    at_ms    BIGINT NOT NULL, -- when it was asked
    asked_by TEXT   NOT NULL
);
CREATE INDEX checkins_at ON checkins (at_ms, id);
CREATE INDEX checkins_of ON checkins (person, at_ms);

CREATE TABLE checkin_answers (
    checkin     TEXT   NOT NULL REFERENCES checkins (id) ON DELETE CASCADE,
    at_ms       BIGINT NOT NULL,
    face        INTEGER, -- what a check of it said; null: nobody checked
    place       INTEGER,
    answered_by TEXT   NOT NULL
);
CREATE INDEX checkin_answers_of ON checkin_answers (checkin, at_ms);

CREATE TABLE declarations (
    id          TEXT   PRIMARY KEY,
    person      TEXT   NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    at_ms       BIGINT NOT NULL,
    symptoms    TEXT   NOT NULL, -- JSON, codes
    body_deci_c INTEGER,
    told_by     TEXT   NOT NULL
);
CREATE INDEX declarations_at ON declarations (at_ms, id);

CREATE TABLE test_results (
    id               TEXT   PRIMARY KEY,
    person           TEXT   NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    quarantine_order TEXT   NOT NULL,
    at_ms            BIGINT NOT NULL, -- when it was received
    taken_ms         BIGINT NOT NULL,
    result           TEXT   NOT NULL,
    action           TEXT   NOT NULL, -- what it proposes
    why              TEXT   NOT NULL,
    until_ms         BIGINT,          -- of a proposal to extend
    policy           TEXT   NOT NULL, -- under which it was proposed
    told_by          TEXT   NOT NULL,
    accepted         INTEGER,         -- null: nobody decided yet
    decided_ms       BIGINT,
    decided_by       TEXT
);
CREATE INDEX test_results_at ON test_results (at_ms, id);
