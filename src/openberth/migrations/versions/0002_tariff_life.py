"""What tariffs that live need: event prices, drafts, calendars, alarms, assignment by vehicle and permit."""

from openberth.migrations.steps import add_column, big, create_table, flag, ident, json, number, word

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    create_table(
        "alarm",
        ident("company_id", key=True),
        word("kind", 40, key=True),
        word("subject", 60, key=True),
        big("since"),
        json("params"),
    )
    create_table(
        "calendar",
        ident("company_id", key=True),
        word("code", 40, key=True),
        ident("edition"),
        big("changed_at"),
    )
    create_table(
        "calendar_day",
        ident("company_id", key=True),
        word("calendar", 40, key=True),
        word("day", 10, key=True),
        word("kind", 24),
        word("name_zh", 80),
        word("name_en", 80),
        json("words"),
        flag("own"),
    )
    create_table(
        "tariff_draft",
        ident("company_id", key=True),
        word("code", 40, key=True),
        big("version"),
        number("based_on"),
        big("changed_at"),
        word("changed_by", 100),
        json("text"),
    )
    add_column("tariff_version", big("valid_until", null=True))
    add_column("lot", json("pricing", null=True))
    add_column("area", json("tariffs", null=True))
    add_column("open_stay", word("colour", 16, null=True))
    add_column("stay", word("colour", 16, null=True))
    add_column("stay", ident("continues_id", null=True))
    add_column("stay", flag("free_used", null=True))
