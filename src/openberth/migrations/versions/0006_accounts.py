"""Accounts of people and machines, what they are granted, their sessions, and the keys that sign access tokens."""

from openberth.migrations.steps import big, create_index, create_table, ident, json, number, word

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    create_table(
        "account",
        ident("id", key=True),
        ident("company_id", null=True),
        word("kind", 24),
        word("login", 60, null=True),
        ident("name_id", null=True),
        ident("phone_id", null=True),
        ident("openid_id", null=True),
        word("state", 24),
        word("password", 200, null=True),
        ident("totp_id", null=True),
        big("totp_step"),
        number("failures"),
        big("failed_at", null=True),
        big("wait_until", null=True),
        big("created_at"),
        word("created_by", 100),
        big("version"),
    )
    create_index("uq_account_login", "account", "login", unique=True)
    create_index("uq_account_phone", "account", "phone_id", unique=True)
    create_index("uq_account_openid", "account", "openid_id", unique=True)
    create_index("ix_account_company", "account", "company_id", "id")
    create_table(
        "account_grant",
        ident("id", key=True),
        ident("account_id"),
        word("role", 40),
        word("level", 24),
        ident("node", null=True),
        ident("company_id", null=True),
        word("granted_by", 100),
        big("granted_at"),
        big("until_at", null=True),
    )
    create_index("ix_account_grant_account", "account_grant", "account_id")
    create_index("ix_account_grant_role", "account_grant", "company_id", "role")
    create_table(
        "own_role",
        ident("id", key=True),
        ident("company_id"),
        word("code", 40),
        word("name", 80),
        json("permissions"),
        big("version"),
    )
    create_index("uq_own_role_code", "own_role", "company_id", "code", unique=True)
    create_table(
        "client_secret",
        word("digest", 64, key=True),
        ident("account_id"),
        big("created_at"),
        big("until_at", null=True),
    )
    create_index("ix_client_secret_account", "client_secret", "account_id")
    create_table(
        "account_session",
        ident("id", key=True),
        ident("account_id"),
        word("how", 12),
        word("device", 120),
        word("address", 64, null=True),
        big("began_at"),
        big("used_at"),
        big("ends_at"),
        big("ended_at", null=True),
        word("end_reason", 20, null=True),
    )
    create_index("ix_account_session_account", "account_session", "account_id", "id")
    create_index("ix_account_session_ends", "account_session", "ends_at")
    create_table(
        "refresh_token",
        word("digest", 64, key=True),
        ident("session_id"),
        big("made_at"),
        big("used_at", null=True),
    )
    create_index("ix_refresh_token_session", "refresh_token", "session_id")
    create_table(
        "signing_key",
        ident("id", key=True),
        word("algorithm", 10),
        json("public"),
        ident("private_id"),
        big("made_at"),
        big("signs_from"),
        big("published_until", null=True),
    )
