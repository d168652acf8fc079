"""Debts that are asked for on the bill of a later visit."""

from openberth.migrations.steps import add_column, big, create_index, ident

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    add_column("bill", big("carried_minor", null=True))
    add_column("debt", ident("carried_to", null=True))
    add_column("debt", big("carried_minor", null=True))
    add_column("debt", big("credited_minor", null=True))
    create_index("ix_debt_subject", "debt", "subject_id")
    create_index("ix_debt_carried", "debt", "carried_to")
