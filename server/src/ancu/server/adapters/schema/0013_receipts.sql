-- Receipts that came before the provider's own name of the message was on the disk. Few, and soon taken.
CREATE TABLE notify_early (
    channel   TEXT    NOT NULL,
    reference TEXT    NOT NULL,
    delivered INTEGER NOT NULL,
    why       TEXT    NOT NULL,
    at_ms     BIGINT  NOT NULL,
    PRIMARY KEY (channel, reference)
);
