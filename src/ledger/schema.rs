//! The tables, version by version.

/// One statement list for each version of the schema; the first leads from an empty database to version 1.
pub(super) const MIGRATIONS: &[&str] = &[
    "
CREATE TABLE workspace (key TEXT PRIMARY KEY, path BLOB NOT NULL, mode TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE record (
    workspace TEXT NOT NULL,
    number INTEGER NOT NULL,
    entry TEXT NOT NULL,
    chain BLOB NOT NULL,
    PRIMARY KEY (workspace, number)
);
CREATE TRIGGER record_stays BEFORE UPDATE ON record BEGIN SELECT RAISE(ABORT, 'records are append-only'); END;
CREATE TRIGGER record_is_kept BEFORE DELETE ON record BEGIN SELECT RAISE(ABORT, 'records are append-only'); END;
CREATE TRIGGER record_is_not_replaced BEFORE INSERT ON record
    WHEN EXISTS (SELECT 1 FROM record WHERE workspace = NEW.workspace AND number = NEW.number)
    BEGIN SELECT RAISE(ABORT, 'records are append-only'); END;
CREATE TABLE shelf (
    turn INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace TEXT NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (workspace, id)
);
",
    // Version 2. Records of version 1 stay as they are, under the hash that they have; the keyed chain goes on from
    // them. `head` repeats what the last record is, so that a cut tail looks unlike an older copy of the database.
    // A record may be removed only up to where a stub says that it was rotated away.
    "
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO meta (name, value) VALUES ('database', randomblob(16));
CREATE TABLE head (workspace TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE section (
    workspace TEXT NOT NULL,
    first INTEGER NOT NULL,
    reason TEXT NOT NULL,
    previous INTEGER NOT NULL,
    previous_link BLOB NOT NULL,
    key BLOB NOT NULL,
    link BLOB NOT NULL,
    PRIMARY KEY (workspace, first)
) WITHOUT ROWID;
CREATE TRIGGER section_stays BEFORE UPDATE ON section BEGIN SELECT RAISE(ABORT, 'records are append-only'); END;
CREATE TRIGGER section_is_kept BEFORE DELETE ON section BEGIN SELECT RAISE(ABORT, 'records are append-only'); END;
CREATE TABLE stub (
    workspace TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    link BLOB NOT NULL,
    file TEXT NOT NULL,
    key BLOB NOT NULL,
    signature BLOB NOT NULL,
    PRIMARY KEY (workspace, last)
) WITHOUT ROWID;
CREATE TRIGGER stub_stays BEFORE UPDATE ON stub BEGIN SELECT RAISE(ABORT, 'records are append-only'); END;
CREATE TRIGGER stub_is_kept BEFORE DELETE ON stub BEGIN SELECT RAISE(ABORT, 'records are append-only'); END;
DROP TRIGGER record_is_kept;
CREATE TRIGGER record_is_kept BEFORE DELETE ON record
    WHEN NOT EXISTS (SELECT 1 FROM stub WHERE workspace = OLD.workspace AND last >= OLD.number)
    BEGIN SELECT RAISE(ABORT, 'records are append-only'); END;
CREATE TABLE intent (
    workspace TEXT NOT NULL,
    number INTEGER NOT NULL,
    session TEXT NOT NULL,
    PRIMARY KEY (workspace, number)
) WITHOUT ROWID;
CREATE TABLE trust (
    workspace TEXT PRIMARY KEY,
    path BLOB NOT NULL,
    settings BLOB NOT NULL,
    at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE live_grant (
    turn INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    holds INTEGER NOT NULL,
    once INTEGER NOT NULL,
    expires_ms INTEGER,
    content TEXT NOT NULL
);
CREATE TABLE clock (one INTEGER PRIMARY KEY CHECK (one = 1), highest_ms INTEGER NOT NULL);
",
    // Version 3. What files hold is kept once, by its hash; a row of the shelf refers to it. Rows of before stay as they
    // are, whole (form 1), and are told by that they have no `about`: it is what is told of a changeset without loading
    // it. `seal` is the hash of what the row itself holds. Of what was removed a line stays, which says why.
    "
CREATE TABLE blob (
    number INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    packed INTEGER NOT NULL,
    content BLOB NOT NULL
);
CREATE TABLE shelf_blob (
    turn INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    PRIMARY KEY (turn, blob)
) WITHOUT ROWID;
CREATE INDEX shelf_blob_of ON shelf_blob (blob);
ALTER TABLE shelf ADD COLUMN proposal TEXT;
ALTER TABLE shelf ADD COLUMN about TEXT;
ALTER TABLE shelf ADD COLUMN seal BLOB;
CREATE INDEX shelf_latest ON shelf (workspace, at_ms, turn);
CREATE TABLE pruned (
    turn INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace TEXT NOT NULL,
    id TEXT NOT NULL,
    proposal TEXT NOT NULL,
    why TEXT NOT NULL
);
CREATE TABLE shelf_care (one INTEGER PRIMARY KEY CHECK (one = 1), pruned_ms INTEGER NOT NULL, shelved INTEGER NOT NULL);
",
];
