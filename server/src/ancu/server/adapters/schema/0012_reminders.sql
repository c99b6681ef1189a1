-- What people under order are sent to their own telephones about a check-in. No number is kept here: it is read when a
-- message leaves. Times are unix milliseconds, UTC.
CREATE TABLE person_messages (
    id        TEXT    PRIMARY KEY, -- follows from the check-in, what it says and the channel
    person    TEXT    NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    checkin   TEXT    NOT NULL REFERENCES checkins (id) ON DELETE CASCADE,
    what      TEXT    NOT NULL CHECK (what IN ('asked', 'reminder')),
    channel   TEXT    NOT NULL,
    state     TEXT    NOT NULL CHECK (state IN ('queued', 'failed', 'sent', 'delivered', 'dead', 'withdrawn')),
    made_ms   BIGINT  NOT NULL,
    until_ms  BIGINT  NOT NULL, -- after that it says nothing any more
    tries     INTEGER NOT NULL DEFAULT 0,
    next_ms   BIGINT,           -- of the next try; NULL: none will be made
    why       TEXT    NOT NULL DEFAULT '',
    reference TEXT              -- what the provider calls it
);
CREATE INDEX person_messages_due ON person_messages (next_ms) WHERE next_ms IS NOT NULL;
CREATE INDEX person_messages_of ON person_messages (checkin);
CREATE INDEX person_messages_by_reference ON person_messages (channel, reference) WHERE reference IS NOT NULL;
