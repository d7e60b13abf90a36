"""The SQLite tables of files: what is known of each, which cases it belongs to, and its content in chunks."""

STEPS = (
    """
    CREATE TABLE files (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        space TEXT NOT NULL,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        doc TEXT NOT NULL
    );
    CREATE INDEX files_by_kind ON files (space, kind);
    CREATE TABLE file_cases (
        file INTEGER NOT NULL REFERENCES files (number) ON DELETE CASCADE,
        case_id TEXT NOT NULL
    );
    CREATE INDEX file_cases_by_case ON file_cases (case_id);
    CREATE INDEX file_cases_by_file ON file_cases (file);
    CREATE TABLE file_chunks (
        file INTEGER NOT NULL REFERENCES files (number) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        content BLOB NOT NULL,
        PRIMARY KEY (file, position)
    ) WITHOUT ROWID
    """,
)
