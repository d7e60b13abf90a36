"""The SQLite tables behind the cases state; documents are JSON, columns are what is filtered and sorted by."""

# Word for word as in the index below: SQLite sorts by an index whose expression is the same.
SEVERITY_RANK = (
    "CASE severity WHEN 'low' THEN 0 WHEN 'medium' THEN 10 WHEN 'high' THEN 20 WHEN 'critical' THEN 30 END"
)
STEPS = (
    """
    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
    CREATE TABLE spaces (id TEXT PRIMARY KEY, doc TEXT NOT NULL);
    CREATE TABLE cases (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        space TEXT NOT NULL,
        id TEXT NOT NULL,
        seq INTEGER NOT NULL,
        reserved INTEGER,
        comments INTEGER NOT NULL DEFAULT 0,
        alerts INTEGER NOT NULL DEFAULT 0,
        events INTEGER NOT NULL DEFAULT 0,
        doc TEXT NOT NULL,
        owner TEXT GENERATED ALWAYS AS (json_extract(doc, '$.owner')) STORED,
        title TEXT GENERATED ALWAYS AS (json_extract(doc, '$.title')) STORED,
        category TEXT GENERATED ALWAYS AS (json_extract(doc, '$.category')) STORED,
        status TEXT GENERATED ALWAYS AS (json_extract(doc, '$.status')) STORED,
        severity TEXT GENERATED ALWAYS AS (json_extract(doc, '$.severity')) STORED,
        created_at TEXT GENERATED ALWAYS AS (json_extract(doc, '$.created_at')) STORED,
        updated_at TEXT GENERATED ALWAYS AS (json_extract(doc, '$.updated_at')) STORED,
        closed_at TEXT GENERATED ALWAYS AS (json_extract(doc, '$.closed_at')) STORED,
        reporter TEXT GENERATED ALWAYS AS (json_extract(doc, '$.created_by.username')) STORED,
        reporter_uid TEXT GENERATED ALWAYS AS (json_extract(doc, '$.created_by.profile_uid')) STORED,
        UNIQUE (space, id)
    );
    CREATE INDEX cases_by_creation ON cases (space, created_at);
    CREATE INDEX cases_by_update ON cases (space, updated_at);
    CREATE INDEX cases_by_status ON cases (space, status);
    CREATE TABLE attachments (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        case_number INTEGER NOT NULL REFERENCES cases (number) ON DELETE CASCADE,
        space TEXT NOT NULL,
        id TEXT NOT NULL,
        seq INTEGER NOT NULL,
        doc TEXT NOT NULL,
        type TEXT GENERATED ALWAYS AS (json_extract(doc, '$.type')) STORED,
        created_at TEXT GENERATED ALWAYS AS (json_extract(doc, '$.created_at')) STORED,
        UNIQUE (space, id)
    );
    CREATE INDEX attachments_by_case ON attachments (case_number, created_at);
    CREATE TABLE attached_documents (
        attachment INTEGER NOT NULL REFERENCES attachments (number) ON DELETE CASCADE,
        case_number INTEGER NOT NULL,
        kind TEXT NOT NULL,
        position INTEGER NOT NULL,
        id TEXT NOT NULL,
        home TEXT NOT NULL
    );
    CREATE INDEX attached_documents_by_case ON attached_documents (case_number, kind, id);
    CREATE INDEX attached_documents_by_id ON attached_documents (kind, id);
    CREATE INDEX attached_documents_by_attachment ON attached_documents (attachment);
    CREATE TABLE user_actions (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        case_number INTEGER NOT NULL REFERENCES cases (number) ON DELETE CASCADE,
        id TEXT NOT NULL,
        seq INTEGER NOT NULL,
        doc TEXT NOT NULL,
        type TEXT GENERATED ALWAYS AS (json_extract(doc, '$.type')) STORED,
        action TEXT GENERATED ALWAYS AS (json_extract(doc, '$.action')) STORED,
        comment_type TEXT GENERATED ALWAYS AS (json_extract(doc, '$.payload.comment.type')) STORED,
        created_at TEXT GENERATED ALWAYS AS (json_extract(doc, '$.created_at')) STORED
    );
    CREATE INDEX user_actions_by_case ON user_actions (case_number, created_at);
    CREATE TABLE configurations (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        space TEXT NOT NULL,
        id TEXT NOT NULL,
        seq INTEGER NOT NULL,
        doc TEXT NOT NULL,
        owner TEXT GENERATED ALWAYS AS (json_extract(doc, '$.owner')) STORED,
        UNIQUE (space, id)
    )
    """,
    # The columns that are filtered and sorted by become plain ones, in front of the document: an update writes the
    # indices of those alone that it changes, and reading them does not walk through a long document.
    """
    CREATE TABLE cases_next (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        space TEXT NOT NULL,
        id TEXT NOT NULL,
        seq INTEGER NOT NULL,
        reserved INTEGER,
        comments INTEGER NOT NULL DEFAULT 0,
        alerts INTEGER NOT NULL DEFAULT 0,
        events INTEGER NOT NULL DEFAULT 0,
        owner TEXT,
        title TEXT,
        category TEXT,
        status TEXT,
        severity TEXT,
        created_at TEXT,
        updated_at TEXT,
        closed_at TEXT,
        reporter TEXT,
        reporter_uid TEXT,
        doc TEXT NOT NULL,
        UNIQUE (space, id)
    );
    INSERT INTO cases_next
    SELECT number, space, id, seq, reserved,
        (SELECT count(*) FROM attachments a WHERE a.case_number = cases.number AND a.type = 'user'),
        (SELECT count(DISTINCT d.id) FROM attached_documents d WHERE d.case_number = cases.number AND d.kind = 'alert'),
        (SELECT count(*) FROM attached_documents d WHERE d.case_number = cases.number AND d.kind = 'event'),
        owner, title, category, status, severity, created_at, updated_at, closed_at, reporter, reporter_uid, doc
    FROM cases;
    DELETE FROM sqlite_sequence WHERE name = 'cases_next';
    INSERT INTO sqlite_sequence SELECT 'cases_next', seq FROM sqlite_sequence WHERE name = 'cases';
    DROP TABLE cases;
    ALTER TABLE cases_next RENAME TO cases;
    CREATE INDEX cases_by_creation ON cases (space, created_at, owner, status);
    CREATE INDEX cases_by_update ON cases (space, updated_at, owner, status);
    CREATE INDEX cases_by_closing ON cases (space, closed_at, owner, status);
    CREATE INDEX cases_by_title ON cases (space, title, owner, status);
    CREATE INDEX cases_by_category ON cases (space, category, owner, status);
    CREATE INDEX cases_by_severity ON cases (
        space,
        CASE severity WHEN 'low' THEN 0 WHEN 'medium' THEN 10 WHEN 'high' THEN 20 WHEN 'critical' THEN 30 END,
        owner, status
    );
    CREATE INDEX cases_by_status
        ON cases (space, status, owner, severity, category, created_at, reporter, reporter_uid);
    CREATE TABLE case_values (
        kind TEXT NOT NULL,
        value TEXT NOT NULL,
        case_number INTEGER NOT NULL REFERENCES cases (number) ON DELETE CASCADE,
        PRIMARY KEY (kind, value, case_number)
    ) WITHOUT ROWID;
    CREATE INDEX case_values_by_case ON case_values (case_number);
    INSERT OR IGNORE INTO case_values
        SELECT 'tag', tag.value, cases.number FROM cases, json_each(doc, '$.tags') tag;
    INSERT OR IGNORE INTO case_values
        SELECT 'assignee', json_extract(person.value, '$.uid'), cases.number
        FROM cases, json_each(doc, '$.assignees') person;
    INSERT INTO case_values
        SELECT 'unassigned', '', number FROM cases WHERE json_array_length(doc, '$.assignees') = 0;
    INSERT OR IGNORE INTO case_values
        SELECT 'observable', json_extract(found.value, '$.typeKey') || char(10) || json_extract(found.value, '$.value'),
            cases.number
        FROM cases, json_each(doc, '$.observables') found;
    DROP INDEX user_actions_by_case;
    CREATE INDEX user_actions_by_case ON user_actions (case_number, created_at, number, type, action, comment_type);
    CREATE TRIGGER attachments_added AFTER INSERT ON attachments WHEN NEW.type = 'user' BEGIN
        UPDATE cases SET comments = comments + 1 WHERE number = NEW.case_number;
    END;
    CREATE TRIGGER attachments_removed AFTER DELETE ON attachments WHEN OLD.type = 'user' BEGIN
        UPDATE cases SET comments = comments - 1 WHERE number = OLD.case_number;
    END;
    CREATE TRIGGER attachments_changed AFTER UPDATE OF doc ON attachments
    WHEN (OLD.type = 'user') <> (NEW.type = 'user') BEGIN
        UPDATE cases SET comments = comments + CASE NEW.type WHEN 'user' THEN 1 ELSE -1 END
        WHERE number = NEW.case_number;
    END;
    CREATE TRIGGER attached_events_added AFTER INSERT ON attached_documents WHEN NEW.kind = 'event' BEGIN
        UPDATE cases SET events = events + 1 WHERE number = NEW.case_number;
    END;
    CREATE TRIGGER attached_events_removed AFTER DELETE ON attached_documents WHEN OLD.kind = 'event' BEGIN
        UPDATE cases SET events = events - 1 WHERE number = OLD.case_number;
    END;
    CREATE TRIGGER attached_alerts_added AFTER INSERT ON attached_documents
    WHEN NEW.kind = 'alert' AND NOT EXISTS (
        SELECT 1 FROM attached_documents d WHERE d.case_number = NEW.case_number AND d.kind = 'alert'
        AND d.id = NEW.id AND d.rowid <> NEW.rowid
    ) BEGIN
        UPDATE cases SET alerts = alerts + 1 WHERE number = NEW.case_number;
    END;
    CREATE TRIGGER attached_alerts_removed AFTER DELETE ON attached_documents
    WHEN OLD.kind = 'alert' AND NOT EXISTS (
        SELECT 1 FROM attached_documents d WHERE d.case_number = OLD.case_number AND d.kind = 'alert' AND d.id = OLD.id
    ) BEGIN
        UPDATE cases SET alerts = alerts - 1 WHERE number = OLD.case_number;
    END;
    """,
)
