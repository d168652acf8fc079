"""Which stay an entry ended though nobody had seen its car leave, and what a person has said of that."""

from openberth.migrations.steps import add_column, flag, ident

revision = "0053"
down_revision = "0052"


def upgrade() -> None:
    add_column("open_stay", ident("again_of", null=True))
    add_column("open_stay", flag("one_visit", null=True))
