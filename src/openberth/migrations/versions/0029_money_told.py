"""Ends of bills and refunds are told with their money; those from before are listed, to be told once."""

from openberth.migrations.steps import add_column, copy_rows, create_table, ident, word

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    add_column("refund", word("asked_by", 80, null=True))
    create_table("untold", ident("id", key=True), word("kind", 8))
    copy_rows(
        "INSERT INTO untold (id, kind) SELECT id, 'bill' FROM bill"
        " WHERE state IN ('void', 'superseded', 'written_off') AND id NOT IN (SELECT id FROM untold)"
    )
    copy_rows(
        "INSERT INTO untold (id, kind) SELECT id, 'refund' FROM refund"
        " WHERE state = 'done' AND id NOT IN (SELECT id FROM untold)"
    )
