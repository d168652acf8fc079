"""Signed addresses of pages to pay at are longer than codes: they stand in a column of their own."""

from openberth.migrations.steps import add_column, word

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    add_column("attempt", word("long_pay_url", 2000, null=True))
