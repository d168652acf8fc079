"""How far old pictures are deleted, and which are held beyond their time."""

from openberth.migrations.steps import big, create_index, create_table, ident

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    create_table("picture_retention", ident("lot_id", key=True), ident("after_id"), big("passages"), big("pictures"))
    create_table("held_picture", ident("passage_id", key=True), ident("lot_id"))
    create_index("ix_held_picture_lot", "held_picture", "lot_id", "passage_id")
