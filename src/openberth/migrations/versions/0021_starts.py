"""What processes started with: names of settings and keyed digests of their values."""

from openberth.migrations.steps import create_table, word

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    create_table(
        "start_setting",
        word("process", 80, key=True),
        word("name", 80, key=True),
        word("digest", 64),
    )
