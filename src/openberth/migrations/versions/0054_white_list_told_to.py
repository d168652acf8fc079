"""Which box behind a camera's code its list was told to: another one holds nothing of it."""

from openberth.migrations.steps import add_column, word

revision = "0054"
down_revision = "0053"


def upgrade() -> None:
    add_column("white_list", word("told_to", 64, null=True))
