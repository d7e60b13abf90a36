"""What a unified payload said beyond the shape that attachments are kept in; and how attachments are counted."""

STEPS = (
    """
    CREATE TABLE unified_originals (
        attachment INTEGER PRIMARY KEY REFERENCES attachments (number) ON DELETE CASCADE,
        payload TEXT NOT NULL
    );
    CREATE INDEX attachments_by_type ON attachments (case_number, type)
    """,
)
