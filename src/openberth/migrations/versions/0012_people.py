"""People, what was changed about them, consents, what accounts are told; and the people of the accounts there are."""

from openberth.migrations.steps import append_only, big, copy_rows, create_index, create_table, flag, ident, json, word

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    create_table(
        "person",
        ident("id", key=True),
        ident("account_id", null=True),
        ident("company_id", null=True),
        ident("name_id", null=True),
        ident("phone_id", null=True),
        ident("identity_id", null=True),
        big("verified_at", null=True),
        word("verified_how", 24, null=True),
        big("erased_at", null=True),
        big("created_at"),
        word("created_by", 100),
        big("version"),
    )
    create_index("uq_person_account", "person", "account_id", unique=True)
    create_index("ix_person_company", "person", "company_id", "id")
    create_index("ix_person_name", "person", "name_id")
    create_index("ix_person_phone", "person", "phone_id")
    create_index("ix_person_identity", "person", "identity_id")
    create_table(
        "person_change",
        ident("id", key=True),
        ident("person_id"),
        ident("company_id", null=True),
        word("field", 24),
        ident("old_id", null=True),
        ident("new_id", null=True),
        big("at"),
        word("by", 100),
        word("how", 24),
        word("reason", 200, null=True),
        word("evidence", 24, null=True),
    )
    create_index("ix_person_change_person", "person_change", "person_id", "id")
    create_index("ix_person_change_old", "person_change", "old_id")
    create_index("ix_person_change_new", "person_change", "new_id")
    create_table(
        "consent",
        ident("id", key=True),
        ident("person_id"),
        ident("company_id", null=True),
        word("purpose", 24),
        word("document", 40),
        flag("given"),
        big("at"),
        word("channel", 24),
        word("by", 100),
    )
    create_index("ix_consent_person", "consent", "person_id", "id")
    append_only("consent", key="id")
    create_table(
        "notice",
        ident("id", key=True),
        ident("account_id"),
        word("kind", 24),
        json("params"),
        big("at"),
        big("read_at", null=True),
    )
    create_index("ix_notice_account", "notice", "account_id", "id")
    copy_rows(
        "INSERT INTO person (id, account_id, company_id, name_id, phone_id, created_at, created_by, version)"
        " SELECT id, id, company_id, name_id, phone_id, created_at, created_by, 1"
        " FROM account WHERE kind = 'person' AND id NOT IN (SELECT id FROM person)"
    )
