-- Who is on duty, whom alerts were carried to, and what became of each delivery. Times are unix milliseconds, UTC.
CREATE TABLE duty_watches (
    officer  TEXT   NOT NULL REFERENCES officers (id),
    watch    TEXT   NOT NULL CHECK (watch IN ('shift', 'on_call')),
    from_ms  BIGINT NOT NULL,
    until_ms BIGINT NOT NULL CHECK (until_ms > from_ms),
    PRIMARY KEY (officer, watch, from_ms)
);
CREATE INDEX duty_watches_until ON duty_watches (until_ms);

CREATE TABLE duty_absences (
    officer  TEXT   NOT NULL REFERENCES officers (id),
    from_ms  BIGINT NOT NULL,
    until_ms BIGINT NOT NULL CHECK (until_ms > from_ms),
    reason   TEXT   NOT NULL,
    PRIMARY KEY (officer, from_ms)
);

-- Where an officer can be reached. A push subscription is the JSON that a browser gave.
CREATE TABLE contact_points (
    officer    TEXT   NOT NULL REFERENCES officers (id),
    channel    TEXT   NOT NULL,
    address    TEXT   NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (officer, channel, address)
);

-- How far the journal has been carried out. What was decided before this table existed pages nobody.
CREATE TABLE notify_mark (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    upto BIGINT  NOT NULL
);
INSERT INTO notify_mark SELECT 1, coalesce(max(position), 0) FROM journal;

-- One officer is to hear of one event of an alert. Without a page it waits: for its page, or for the officer's pause.
CREATE TABLE notify_notes (
    id           INTEGER PRIMARY KEY,
    position     BIGINT NOT NULL, -- of the event in the journal
    officer      TEXT   NOT NULL, -- an officer's id, or 'webhook:name'
    alert        TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    severity     TEXT   NOT NULL,
    ward         TEXT   NOT NULL,
    level        INTEGER NOT NULL,
    at_ms        BIGINT NOT NULL,
    page         TEXT,
    withdrawn_ms BIGINT,
    UNIQUE (position, officer)
);
CREATE INDEX notify_notes_waiting ON notify_notes (officer) WHERE page IS NULL AND withdrawn_ms IS NULL;
CREATE INDEX notify_notes_of_alert ON notify_notes (alert);
CREATE INDEX notify_notes_by_time ON notify_notes (at_ms);
CREATE INDEX notify_notes_of_page ON notify_notes (page);

-- One message to one officer, over one channel or several.
CREATE TABLE notify_pages (
    id      TEXT    PRIMARY KEY,
    officer TEXT    NOT NULL,
    urgent  INTEGER NOT NULL, -- critical: outside of the officer's pause
    made_ms BIGINT  NOT NULL
);
CREATE INDEX notify_pages_by_time ON notify_pages (made_ms);

CREATE TABLE notify_deliveries (
    id         TEXT    PRIMARY KEY, -- travels with the message, the same at every try
    page       TEXT    NOT NULL REFERENCES notify_pages (id),
    channel    TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('queued', 'failed', 'sent', 'delivered', 'dead', 'withdrawn')),
    tries      INTEGER NOT NULL DEFAULT 0,
    next_ms    BIGINT,           -- of the next try; NULL: none will be made
    reference  TEXT              -- what the provider calls it
);
CREATE INDEX notify_deliveries_due ON notify_deliveries (channel, next_ms) WHERE next_ms IS NOT NULL;
CREATE INDEX notify_deliveries_of ON notify_deliveries (page);
CREATE INDEX notify_deliveries_by_reference ON notify_deliveries (channel, reference) WHERE reference IS NOT NULL;

CREATE TABLE notify_history (
    position INTEGER PRIMARY KEY,
    delivery TEXT   NOT NULL REFERENCES notify_deliveries (id),
    at_ms    BIGINT NOT NULL,
    state    TEXT   NOT NULL,
    why      TEXT   NOT NULL DEFAULT ''
);
CREATE INDEX notify_history_of ON notify_history (delivery, position);

-- Handovers as they are listed: a projection of the journal's stream 'handover'.
CREATE TABLE handovers (
    id       TEXT   PRIMARY KEY,
    ward     TEXT   NOT NULL,
    giver    TEXT   NOT NULL,
    taker    TEXT   NOT NULL,
    drawn_ms BIGINT NOT NULL,
    hash     TEXT   NOT NULL, -- of the list that both sign
    items    BLOB   NOT NULL,
    giver_ms BIGINT,          -- when each signed
    taker_ms BIGINT
);
CREATE INDEX handovers_of ON handovers (ward, drawn_ms);
