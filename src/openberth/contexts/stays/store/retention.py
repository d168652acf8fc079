"""How far the pictures of a lot are deleted, and which are kept beyond their time: tables and statements."""

from sqlalchemy import BigInteger, Column, Index, bindparam, delete, select, update

from openberth.contexts.stays.store.passages import _passage
from openberth.contexts.stays.store.tables import passage
from openberth.infra.database.schema import table
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.infra.database.types import id_column
from openberth.kernel.ids import Id

PAGE_MAX = 100

picture_retention = table(
    "picture_retention",
    id_column("lot_id", primary_key=True),
    id_column("after_id"),  # up to this passage pictures are deleted, or held
    Column("passages", BigInteger, nullable=False),  # since the last entry in the trail
    Column("pictures", BigInteger, nullable=False),
)

held_picture = table(
    "held_picture",
    id_column("passage_id", primary_key=True),
    id_column("lot_id"),
)
Index("ix_held_picture_lot", held_picture.c.lot_id, held_picture.c.passage_id)

START = insert_into(picture_retention, once=True)
PROGRESS = Query(
    select(picture_retention.c.after_id, picture_retention.c.passages, picture_retention.c.pictures).where(
        picture_retention.c.lot_id == bindparam("lot")
    ),
    lambda after, passages, pictures: (after, int(passages), int(pictures)),
)
ADVANCE = Write(
    update(picture_retention)
    .where(picture_retention.c.lot_id == bindparam("lot"))
    .values(after_id=bindparam("new_after"), passages=bindparam("new_passages"), pictures=bindparam("new_pictures"))
)
# Walks the index of a lot's passages from where the last part ended.
OLD_PASSAGES = Query(
    select(passage)
    .where(
        passage.c.lot_id == bindparam("lot"), passage.c.id > bindparam("after_id"), passage.c.id < bindparam("below_id")
    )
    .order_by(passage.c.id)
    .limit(PAGE_MAX),
    _passage,
)
FOLLOWERS = Query(
    select(passage)
    .where(
        passage.c.lot_id == bindparam("lot"), passage.c.id > bindparam("after_id"),
        passage.c.id < bindparam("until_id"), passage.c.reason == "exit.tailgated",
    )
    .order_by(passage.c.id)
    .limit(4),
    _passage,
)  # fmt: skip
HOLD = insert_into(held_picture, once=True)
HELD = Query(
    select(held_picture.c.passage_id)
    .where(held_picture.c.lot_id == bindparam("lot"), held_picture.c.passage_id > bindparam("after_id"))
    .order_by(held_picture.c.passage_id)
    .limit(PAGE_MAX),
    one_id,
)
LET_GO = Write(delete(held_picture).where(held_picture.c.passage_id == bindparam("passage")))
NO_PICTURES = Write(update(passage).where(passage.c.id == bindparam("passage")).values(pictures=0))
NOTHING = Id(int=0)
