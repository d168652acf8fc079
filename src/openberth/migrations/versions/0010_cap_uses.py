"""What a vehicle's visits have used up of caps that hold across them, kept with each closed stay."""

from openberth.migrations.steps import add_column, json

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    add_column("stay", json("cap_uses", null=True))
