"""When the car of a lane was seen to have driven on."""

from openberth.migrations.steps import add_column, big

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    add_column("lane_state", big("passed_at", null=True))
