"""When the car that stands at a lane by the books has driven over the loop behind its gate."""

from openberth.migrations.steps import add_column, big

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    add_column("lane_state", big("passed_at", null=True))
