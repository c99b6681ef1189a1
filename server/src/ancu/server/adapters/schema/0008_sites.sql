-- Quarantine sites, what is drawn on cameras' pictures, and commands to edges. Times are unix milliseconds, UTC.
-- A site is the label that its edges carry within a ward; `site` is the id that follows from both (people/sites.py).

-- The counter of the last command to each edge: it only grows.
CREATE TABLE edge_commands (
    edge    TEXT   PRIMARY KEY,
    counter BIGINT NOT NULL
) WITHOUT ROWID;

-- Doors and zones in the picture of a camera; the newest version is in force, the older ones are history.
CREATE TABLE camera_drawings (
    edge    TEXT    NOT NULL,
    camera  TEXT    NOT NULL,
    version INTEGER NOT NULL,
    at_ms   BIGINT  NOT NULL,
    by      TEXT    NOT NULL,
    body    BLOB    NOT NULL, -- people/sites_drawing.py
    PRIMARY KEY (edge, camera, version),
    FOREIGN KEY (edge, camera) REFERENCES cameras (edge, camera)
);

-- The newest picture that somebody asked for, where the site's own policy lets one leave; kept for a day at most.
CREATE TABLE camera_stills (
    edge        TEXT   NOT NULL,
    camera      TEXT   NOT NULL,
    asked_ms    BIGINT NOT NULL,
    asked_by    TEXT   NOT NULL,
    ask         TEXT   NOT NULL,
    taken_ms    BIGINT, -- NULL: it has not come
    refused     TEXT,   -- why the edge sends none
    picture     BLOB,
    PRIMARY KEY (edge, camera)
);

-- Rooms and beds as staff drew them; the newest version is in force.
CREATE TABLE site_plans (
    site    TEXT    NOT NULL,
    version INTEGER NOT NULL,
    at_ms   BIGINT  NOT NULL,
    by      TEXT    NOT NULL,
    body    BLOB    NOT NULL, -- people/sites_plan.py
    PRIMARY KEY (site, version)
);

CREATE TABLE bed_stays (
    site     TEXT   NOT NULL,
    bed      TEXT   NOT NULL,
    person   TEXT   NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
    from_ms  BIGINT NOT NULL,
    until_ms BIGINT,
    by       TEXT   NOT NULL
);
CREATE UNIQUE INDEX one_person_a_bed ON bed_stays (site, bed) WHERE until_ms IS NULL;
CREATE UNIQUE INDEX one_bed_a_person ON bed_stays (person) WHERE until_ms IS NULL;

-- A head count by hand; cameras count on from the newest.
CREATE TABLE site_counts (
    site   TEXT    NOT NULL,
    at_ms  BIGINT  NOT NULL,
    by     TEXT    NOT NULL,
    people INTEGER NOT NULL,
    PRIMARY KEY (site, at_ms)
);

-- Who went through which door, as cameras stated it: a projection of the inbox, for the site's board.
CREATE TABLE crossings (
    edge        TEXT    NOT NULL,
    camera      TEXT    NOT NULL,
    door        TEXT    NOT NULL,
    direction   TEXT    NOT NULL CHECK (direction IN ('in', 'out')),
    at_ms       BIGINT  NOT NULL,
    received_ms BIGINT  NOT NULL,
    confidence  REAL    NOT NULL
);
CREATE INDEX crossings_of ON crossings (edge, at_ms);

-- Screens on a wall: each may read one site's board without names, and nothing else. Secrets are kept as SHA-256.
CREATE TABLE wall_screens (
    id         TEXT   PRIMARY KEY,
    token_hash BLOB   NOT NULL UNIQUE,
    site       TEXT   NOT NULL,
    label      TEXT   NOT NULL,
    created_ms BIGINT NOT NULL,
    created_by TEXT   NOT NULL REFERENCES officers (id),
    expires_ms BIGINT NOT NULL,
    seen_ms    BIGINT,
    revoked_ms BIGINT
);

CREATE TRIGGER camera_drawings_insert AFTER INSERT ON camera_drawings BEGIN UPDATE register_version SET version = version + 1; END;
