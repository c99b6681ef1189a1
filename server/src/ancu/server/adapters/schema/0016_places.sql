-- Where a home is, for the ward's map: degrees, as the order gives them. Moves and goes with the address beside it.
ALTER TABLE person_private ADD COLUMN lat REAL;
ALTER TABLE person_private ADD COLUMN lon REAL;
