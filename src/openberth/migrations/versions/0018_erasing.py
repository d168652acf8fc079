"""Who holds a permit, and the plates of forgotten people that the law keeps for a while."""

from openberth.migrations.steps import add_column, big, create_index, create_table, ident

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    add_column("permit", ident("holder_id", null=True))
    create_index("ix_permit_holder", "permit", "holder_id")
    create_table("kept_value", ident("vault_id", key=True), ident("person_id"), big("until_at"))
    create_index("ix_kept_value_until", "kept_value", "until_at")
