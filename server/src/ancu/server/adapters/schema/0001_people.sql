-- People, orders and devices. Times are unix milliseconds, UTC. Keys are sealed under the master key (people/vault.py).
-- Whatever names a person is in the tables person_private and guardians, and nowhere else.

CREATE TABLE wards (
    code TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    province TEXT NOT NULL
);

CREATE TABLE officers (
    id TEXT PRIMARY KEY,
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('officer', 'site', 'health', 'province', 'operator')),
    phone TEXT,
    password_hash TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    disabled_ms BIGINT
);

CREATE TABLE officer_wards (
    officer TEXT NOT NULL REFERENCES officers (id),
    ward TEXT NOT NULL REFERENCES wards (code),
    PRIMARY KEY (officer, ward)
);

CREATE TABLE login_attempts (
    login TEXT NOT NULL,
    at_ms BIGINT NOT NULL
);
CREATE INDEX login_attempts_of ON login_attempts (login, at_ms);

CREATE TABLE persons (
    id TEXT PRIMARY KEY,
    ward TEXT NOT NULL REFERENCES wards (code),
    created_ms BIGINT NOT NULL
);

CREATE TABLE person_private (
    person TEXT PRIMARY KEY REFERENCES persons (id),
    name TEXT NOT NULL,
    phone TEXT,
    address TEXT
);

CREATE TABLE guardians (
    person TEXT NOT NULL REFERENCES persons (id),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    phone TEXT,
    relation TEXT NOT NULL,
    PRIMARY KEY (person, position)
);

CREATE TABLE access_codes (
    code_hash TEXT PRIMARY KEY,
    person TEXT NOT NULL REFERENCES persons (id),
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    revoked_ms BIGINT
);

CREATE TABLE gateways (
    id TEXT PRIMARY KEY,
    created_ms BIGINT NOT NULL,
    revoked_ms BIGINT
);

CREATE TABLE gateway_wards (
    gateway TEXT NOT NULL REFERENCES gateways (id),
    ward TEXT NOT NULL REFERENCES wards (code),
    PRIMARY KEY (gateway, ward)
);

CREATE TABLE edges (
    id TEXT PRIMARY KEY,
    ward TEXT NOT NULL REFERENCES wards (code),
    gateway TEXT REFERENCES gateways (id),
    site TEXT,
    sealed_key BLOB NOT NULL,
    created_ms BIGINT NOT NULL,
    revoked_ms BIGINT
);

CREATE TABLE cameras (
    edge TEXT NOT NULL REFERENCES edges (id),
    camera TEXT NOT NULL,
    label TEXT NOT NULL,
    door TEXT,
    created_ms BIGINT NOT NULL,
    revoked_ms BIGINT,
    PRIMARY KEY (edge, camera)
);

-- Certificates of edges, gateways and the server; the broker lets in the identities that are not revoked.
CREATE TABLE certificates (
    serial TEXT PRIMARY KEY,
    device TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('edge', 'gateway', 'server')),
    identity TEXT NOT NULL UNIQUE,
    not_after_ms BIGINT NOT NULL,
    revoked_ms BIGINT
);
CREATE INDEX certificates_of ON certificates (device);

CREATE TABLE orders (
    id TEXT PRIMARY KEY,
    person TEXT NOT NULL REFERENCES persons (id),
    edge TEXT REFERENCES edges (id),
    from_ms BIGINT NOT NULL,
    until_ms BIGINT NOT NULL CHECK (until_ms > from_ms),
    reason TEXT NOT NULL,
    ended_ms BIGINT,
    end_reason TEXT
);
CREATE UNIQUE INDEX one_open_order ON orders (person) WHERE ended_ms IS NULL;

CREATE TABLE bands (
    number BIGINT PRIMARY KEY CHECK (number BETWEEN 1 AND 4294967295),
    sealed_key BLOB NOT NULL,
    generation INTEGER NOT NULL,
    created_ms BIGINT NOT NULL,
    revoked_ms BIGINT
);

-- A band stays assigned after its order ended, so that a band still worn is seen, until it serves another.
CREATE TABLE assignments (
    band BIGINT NOT NULL REFERENCES bands (number),
    quarantine_order TEXT NOT NULL REFERENCES orders (id),
    from_ms BIGINT NOT NULL,
    until_ms BIGINT
);
CREATE UNIQUE INDEX one_order_a_band ON assignments (band) WHERE until_ms IS NULL;
CREATE UNIQUE INDEX one_band_an_order ON assignments (quarantine_order) WHERE until_ms IS NULL;
CREATE INDEX assignments_of ON assignments (quarantine_order);

-- Who changed what, by ids only; each row holds the hash of the one before.
CREATE TABLE admin_log (
    position INTEGER PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL
);

-- Grows with every change of what a running process keeps in memory.
CREATE TABLE register_version (version BIGINT NOT NULL);
INSERT INTO register_version VALUES (1);

CREATE TRIGGER wards_insert AFTER INSERT ON wards BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER wards_update AFTER UPDATE ON wards BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER wards_delete AFTER DELETE ON wards BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER persons_insert AFTER INSERT ON persons BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER persons_update AFTER UPDATE ON persons BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER persons_delete AFTER DELETE ON persons BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER gateways_insert AFTER INSERT ON gateways BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER gateways_update AFTER UPDATE ON gateways BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER gateways_delete AFTER DELETE ON gateways BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER gateway_wards_insert AFTER INSERT ON gateway_wards BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER gateway_wards_update AFTER UPDATE ON gateway_wards BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER gateway_wards_delete AFTER DELETE ON gateway_wards BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER edges_insert AFTER INSERT ON edges BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER edges_update AFTER UPDATE ON edges BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER edges_delete AFTER DELETE ON edges BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER cameras_insert AFTER INSERT ON cameras BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER cameras_update AFTER UPDATE ON cameras BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER cameras_delete AFTER DELETE ON cameras BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER orders_insert AFTER INSERT ON orders BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER orders_update AFTER UPDATE ON orders BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER orders_delete AFTER DELETE ON orders BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER bands_insert AFTER INSERT ON bands BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER bands_update AFTER UPDATE ON bands BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER bands_delete AFTER DELETE ON bands BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER assignments_insert AFTER INSERT ON assignments BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER assignments_update AFTER UPDATE ON assignments BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER assignments_delete AFTER DELETE ON assignments BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER certificates_insert AFTER INSERT ON certificates BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER certificates_update AFTER UPDATE ON certificates BEGIN UPDATE register_version SET version = version + 1; END;
CREATE TRIGGER certificates_delete AFTER DELETE ON certificates BEGIN UPDATE register_version SET version = version + 1; END;
