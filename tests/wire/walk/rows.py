"""The rows of a company as they lie in the database, whatever table they are in."""

import json
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Integer, LargeBinary, Table, create_engine, insert, select

from openberth.infra.database.schema import metadata
from openberth.infra.database.types import EnumType, IdType
from tests.wire.api.house import House
from tests.wire.walk.tenants import Lot, Tenant

SHORTEST = 5  # shorter words occur by chance


def scoped_tables() -> list[Table]:
    return [each for each in metadata.sorted_tables if each.info.get("scope") is not None]


def rows_of(house: House, tenant: Tenant, lot: Lot | None = None) -> dict[str, list[dict[str, Any]]]:
    """Return every row of a company, or of one of its lots, by table."""
    engine = create_engine(f"sqlite:///{house.folder / 'openberth.db'}")
    found: dict[str, list[dict[str, Any]]] = {}
    try:
        with engine.connect() as connection:
            for each in scoped_tables():
                company, place = each.info["scope"]
                place = place or ("lot_id" if "lot_id" in each.c else None)
                ask = select(each).where(each.c[company].in_([UUID(tenant.id), UUID(tenant.partner)]))
                if lot is not None:
                    if place is None:
                        continue
                    ask = ask.where(each.c[place] == UUID(lot.id))
                order = [*each.primary_key.columns]
                found[each.name] = [dict(row._mapping) for row in connection.execute(ask.order_by(*order))]
    finally:
        engine.dispose()
    return found


def fill_empty_tables(house: House, tenant: Tenant) -> None:
    """Put a row of made-up words into every table in which the company has none yet."""
    present = rows_of(house, tenant)
    engine = create_engine(f"sqlite:///{house.folder / 'openberth.db'}")
    try:
        with engine.begin() as connection:
            for each in scoped_tables():
                if not present[each.name]:
                    connection.execute(insert(each).values(_made_up(each, tenant)))
    finally:
        engine.dispose()


def _made_up(table: Table, tenant: Tenant) -> dict[str, Any]:
    company, place = table.info["scope"]
    row: dict[str, Any] = {}
    for column in table.columns:
        kind = column.type
        if column.name == company:
            row[column.name] = UUID(tenant.id)
        elif column.name == place:
            row[column.name] = UUID(tenant.lots[0].id)
        elif isinstance(kind, EnumType):
            row[column.name] = next(iter(kind.kind))
        elif isinstance(kind, IdType):
            row[column.name] = uuid.uuid4()
        elif isinstance(kind, Boolean):
            row[column.name] = False
        elif isinstance(kind, (BigInteger, Integer)):
            row[column.name] = 1
        elif isinstance(kind, LargeBinary):
            row[column.name] = tenant.code.encode()
        else:
            length = getattr(kind, "length", None) or 40
            row[column.name] = f"{tenant.code}-{column.name}-{table.name}"[:length]
    return row


def words_of(rows: Mapping[str, Iterable[Mapping[str, Any]]]) -> set[str]:
    """Return every text and id in rows, those inside of JSON, too."""
    found: set[str] = set()
    for each in rows.values():
        for row in each:
            for value in row.values():
                _gather(value, found)
    return found


def _gather(value: object, found: set[str]) -> None:
    if isinstance(value, UUID):
        found.update((str(value), value.hex))
    elif isinstance(value, str):
        if len(value) >= SHORTEST:
            found.add(value)
        if value[:1] in "{[":
            with suppress(ValueError):
                _gather(json.loads(value), found)
    elif isinstance(value, Mapping):
        for each in value.values():
            _gather(each, found)
    elif isinstance(value, (list, tuple)):
        for each in value:
            _gather(each, found)
