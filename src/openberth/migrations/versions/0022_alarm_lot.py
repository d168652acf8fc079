"""The lot that an alarm concerns, where it concerns one."""

from openberth.migrations.steps import add_column, ident

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    add_column("alarm", ident("lot_id", null=True))
