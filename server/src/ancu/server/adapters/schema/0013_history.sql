-- The newest record that is held of a band's own log under an order, and the boot that it is of.
CREATE TABLE history_held (
    band             INTEGER NOT NULL,
    quarantine_order TEXT    NOT NULL,
    upto             INTEGER NOT NULL,
    tag              BLOB    NOT NULL, -- that the next record is chained to
    boot             INTEGER,
    PRIMARY KEY (band, quarantine_order)
) WITHOUT ROWID;

-- At these ticks of a boot a band knew the time of day.
CREATE TABLE history_clocks (
    band             INTEGER NOT NULL,
    quarantine_order TEXT    NOT NULL,
    boot             INTEGER NOT NULL,
    ticks_s          INTEGER NOT NULL,
    unix_s           INTEGER NOT NULL,
    PRIMARY KEY (band, quarantine_order, boot, ticks_s)
) WITHOUT ROWID;

-- Records of a boot whose time nobody knows yet.
CREATE TABLE history_undated (
    band             INTEGER NOT NULL,
    quarantine_order TEXT    NOT NULL,
    boot             INTEGER NOT NULL,
    sequence         INTEGER NOT NULL,
    ticks_s          INTEGER NOT NULL,
    record           BLOB    NOT NULL, -- ingest/columns.py, without its time
    PRIMARY KEY (band, quarantine_order, boot, sequence)
) WITHOUT ROWID;

-- Records that were left out, changed or moved on the way, by sequence.
CREATE TABLE history_faults (
    position         INTEGER PRIMARY KEY,
    at_ms            INTEGER NOT NULL,
    edge             TEXT    NOT NULL, -- that brought them
    band             INTEGER NOT NULL,
    quarantine_order TEXT    NOT NULL,
    sequence         INTEGER NOT NULL,
    kind             TEXT    NOT NULL
);

-- Bands' clocks as edges read them, for the drift.
CREATE TABLE band_clocks (
    band      INTEGER NOT NULL,
    boot      INTEGER NOT NULL,
    ticks_ms  INTEGER NOT NULL,
    unix_ms   INTEGER NOT NULL,
    error_ms  INTEGER NOT NULL,
    PRIMARY KEY (band, boot, ticks_ms)
) WITHOUT ROWID;

-- What bands were asked, and what came of it.
CREATE TABLE challenges (
    id               TEXT    PRIMARY KEY,
    band             INTEGER NOT NULL,
    quarantine_order TEXT    NOT NULL,
    edge             TEXT    NOT NULL,
    nonce            BLOB    NOT NULL,
    tap              INTEGER NOT NULL,
    asked_ms         INTEGER NOT NULL,
    deadline_ms      INTEGER NOT NULL,
    outcome          TEXT,             -- 'answered', 'missed', 'forged'
    told_ms          INTEGER
) WITHOUT ROWID;
