"""A plate that was proven by standing at a lane once shows the visit of that moment, not all later ones."""

from openberth.migrations.steps import add_column, big

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    add_column("own_plate", big("sees_until", null=True))
