"""Devices that we call: where, how their gate is moved, and the login in the vault."""

from openberth.migrations.steps import add_column, ident, word

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    add_column("device", word("endpoint", 200, null=True))
    add_column("device", word("gate", 24, null=True))
    add_column("device", ident("login_id", null=True))
