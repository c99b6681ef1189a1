-- The journal is the outbox: what leaves the server follows from it by a mark (notify_mark). Nothing ever wrote here.
DROP TABLE IF EXISTS outbox;
