"""Where a lot is, and how it is drawn."""

from openberth.migrations.steps import add_column, json, number, word

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    add_column("lot", number("longitude_e7", null=True))
    add_column("lot", number("latitude_e7", null=True))
    add_column("lot", word("address_zh", 120, null=True))
    add_column("lot", word("address_en", 120, null=True))
    add_column("lot", json("plan", null=True))
