-- What the officers' pages need beside the journal: how long an alert sleeps, how far it was passed on, what was seen.
ALTER TABLE alerts ADD COLUMN snoozed_ms INTEGER;
ALTER TABLE alerts ADD COLUMN level INTEGER NOT NULL DEFAULT 0;
CREATE INDEX alerts_open ON alerts (ward) WHERE state <> 'resolved';

CREATE TABLE visits (
    id         TEXT    PRIMARY KEY,
    person     TEXT    NOT NULL REFERENCES persons (id),
    kind       TEXT    NOT NULL,
    at_ms      INTEGER NOT NULL, -- when it was
    told_ms    INTEGER NOT NULL, -- when the server heard of it
    told_by    TEXT    NOT NULL,
    met        INTEGER,
    condition  TEXT    NOT NULL,
    note       TEXT    NOT NULL
);
CREATE INDEX visits_of ON visits (person, at_ms);
