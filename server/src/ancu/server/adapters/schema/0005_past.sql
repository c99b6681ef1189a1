-- What the judge was told beside the inbox: ticks, gateways' signs of life, calls for help, and who was seated when.
-- With the inbox it is the whole past, in the order in which it was judged: a policy can be replayed over it.
CREATE TABLE told (
    position INTEGER PRIMARY KEY,
    inbox    INTEGER NOT NULL, -- rows of the inbox that came before its first entry
    at_ms    INTEGER NOT NULL, -- when it was written
    seats    INTEGER NOT NULL, -- entries that change who is seated
    body     BLOB    NOT NULL  -- packed, review/past.py
);
CREATE INDEX told_seats ON told (position) WHERE seats > 0;
