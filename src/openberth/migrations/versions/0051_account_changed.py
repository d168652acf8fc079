"""When somebody last decided about an account: its state, password or second factor."""

from openberth.migrations.steps import add_column, big

revision = "0051"
down_revision = "0050"


def upgrade() -> None:
    add_column("account", big("changed_at", null=True))
