-- The inbox: what the server has confirmed, one row a batch. The series and the memory of bands are made from it.
CREATE TABLE inbox (
    position    INTEGER PRIMARY KEY,
    received_ms INTEGER NOT NULL,
    ward        TEXT    NOT NULL,
    edge        TEXT    NOT NULL,
    gateway     TEXT    NOT NULL,
    lane        INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    first       INTEGER NOT NULL,
    count       INTEGER NOT NULL, -- records that this row settles, the refused ones too
    readings    BLOB    NOT NULL, -- packed, ingest/columns.py
    facts       BLOB    NOT NULL  -- packed, ingest/pipeline.py
);

-- The highest contiguous sequence per edge, epoch and lane: what a confirm says.
CREATE TABLE watermarks (
    edge    TEXT    NOT NULL,
    epoch   INTEGER NOT NULL,
    lane    INTEGER NOT NULL,
    upto    INTEGER NOT NULL,
    dropped INTEGER NOT NULL DEFAULT 0, -- records that the edge gave up before they came
    PRIMARY KEY (edge, epoch, lane)
) WITHOUT ROWID;

-- What was decided, in order, chained by hash: the truth and the audit log.
CREATE TABLE journal (
    position  INTEGER PRIMARY KEY,
    at_ms     INTEGER NOT NULL,
    stream    TEXT    NOT NULL, -- whose events: 'case', 'alert', 'people'
    subject   TEXT    NOT NULL, -- what the event is about, for look-up; covered by the hash
    body      BLOB    NOT NULL,
    prev_hash BLOB    NOT NULL,
    hash      BLOB    NOT NULL
);
CREATE INDEX journal_by_subject ON journal (stream, subject, position);

-- The newest link, authenticated with the installation's audit key: a chain that was cut or written anew does not fit.
CREATE TABLE journal_head (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    position INTEGER NOT NULL,
    hash     BLOB    NOT NULL,
    seal     BLOB    NOT NULL
);

-- Memory at a position of the inbox and the journal: a start reads this and what came after it.
CREATE TABLE snapshots (
    name    TEXT    PRIMARY KEY, -- 'core'
    inbox   INTEGER NOT NULL,
    journal INTEGER NOT NULL,
    at_ms   INTEGER NOT NULL,
    body    BLOB    NOT NULL
);

-- Incidents as the desk lists them: a projection of the journal.
CREATE TABLE alerts (
    id              TEXT    PRIMARY KEY,
    kind            TEXT    NOT NULL,
    severity        TEXT    NOT NULL,
    state           TEXT    NOT NULL,
    ward            TEXT    NOT NULL,
    subject         TEXT    NOT NULL,
    person          TEXT,
    opened_ms       INTEGER NOT NULL,
    updated_ms      INTEGER NOT NULL,
    ended_ms        INTEGER,
    acknowledged_by TEXT,
    outcome         TEXT,
    policy          TEXT    NOT NULL,
    why             BLOB    NOT NULL,
    position        INTEGER NOT NULL  -- of its last event
);
CREATE INDEX alerts_by_position ON alerts (position);
CREATE INDEX alerts_by_opened ON alerts (opened_ms DESC, id);
CREATE INDEX alerts_by_person ON alerts (person, opened_ms);

-- Answers to commands, by the key that the asker chose: the same key gets the same answer.
CREATE TABLE answers (
    key    TEXT    PRIMARY KEY,
    asker  TEXT    NOT NULL,
    asked  BLOB    NOT NULL, -- fingerprint of what was asked
    answer TEXT    NOT NULL, -- id of the alert
    at_ms  INTEGER NOT NULL
) WITHOUT ROWID;

-- Work that leaves the server: written with the decision, sent after it.
CREATE TABLE outbox (
    position INTEGER PRIMARY KEY,
    kind     TEXT    NOT NULL,
    body     BLOB    NOT NULL,
    at_ms    INTEGER NOT NULL,
    sent_ms  INTEGER
);

-- Bodies that could not be read, capped: for a person to look at.
CREATE TABLE aside (
    position INTEGER PRIMARY KEY,
    at_ms    INTEGER NOT NULL,
    source   TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    size     INTEGER NOT NULL,
    body     BLOB    NOT NULL  -- its beginning
);

-- What was counted: refusals by reason, readings, batches.
CREATE TABLE counters (
    name  TEXT    NOT NULL,
    label TEXT    NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (name, label)
) WITHOUT ROWID;
