"""Keys by which machines sign requests, how often they were used, nonces; when a session was confirmed."""

from openberth.migrations.steps import add_column, big, create_index, create_table, ident, json, number, word

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    create_table(
        "api_key",
        ident("id", key=True),
        ident("company_id", null=True),
        ident("account_id"),
        word("key", 40),
        ident("secret_id"),
        word("name", 60),
        json("scopes"),
        number("per_minute"),
        big("per_day"),
        big("created_at"),
        word("created_by", 100),
        big("until_at", null=True),
        big("ended_at", null=True),
    )
    create_index("uq_api_key_key", "api_key", "key", unique=True)
    create_index("ix_api_key_account", "api_key", "account_id")
    create_table(
        "api_key_use",
        ident("key_id", key=True),
        number("day", key=True),
        big("uses"),
        big("last_at"),
    )
    create_index("ix_api_key_use_day", "api_key_use", "day")
    create_table("request_nonce", ident("digest", key=True), big("ends_at"))
    create_index("ix_request_nonce_ends", "request_nonce", "ends_at")
    add_column("account_session", big("confirmed_at", null=True))
