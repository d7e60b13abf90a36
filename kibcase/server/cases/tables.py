"""The SQLite tables behind the cases state; documents are JSON, columns are what is filtered and sorted by."""

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
)
