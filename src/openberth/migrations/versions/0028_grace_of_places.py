"""Where a payer stood, and the minutes that were given from there to leave in."""

from openberth.migrations.steps import add_column, number, word

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    add_column("attempt", word("place", 24, null=True))
    add_column("receipt", word("place", 24, null=True))
    add_column("receipt", number("grace_minutes", null=True))
