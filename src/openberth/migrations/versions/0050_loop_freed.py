"""When the loop before a gate was last told to be free: whichever process heard it."""

from openberth.migrations.steps import add_column, big

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    add_column("lane_state", big("loop_free_at", null=True))
