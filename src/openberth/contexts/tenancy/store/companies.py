"""Partners, companies and properties: their tables and statements.

A company's columns beside code and name came later and are null in older rows: its own, active, of version 1.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, bindparam, delete, func, or_, select, update

from openberth.contexts.tenancy.model.organisation import CODE_MAX, NAME_MAX, Company, NodeState, Partner, Property
from openberth.infra.database.schema import OnMove, table
from openberth.infra.database.statement import Query, Write, insert_into, one_id
from openberth.infra.database.types import enum_column, id_column, instant_column, word_column
from openberth.kernel.ids import Id

company = table(
    "company",
    id_column(primary_key=True),
    word_column("code", CODE_MAX),
    word_column("name", NAME_MAX),
    instant_column("created_at"),
    id_column("partner_id", nullable=True),
    word_column("name_en", NAME_MAX, nullable=True),
    enum_column("state", NodeState, nullable=True),
    Column("version", BigInteger, nullable=True),
    scope=("id", None),
)
Index("uq_company_code", company.c.code, unique=True)
Index("ix_company_partner", company.c.partner_id, company.c.code)

partner = table(
    "partner",
    id_column(primary_key=True),
    word_column("code", CODE_MAX),
    word_column("name", NAME_MAX),
    word_column("name_en", NAME_MAX),
    enum_column("state", NodeState),
    instant_column("created_at"),
    Column("version", BigInteger, nullable=False),
    scope=("id", None),
)
Index("uq_partner_code", partner.c.code, unique=True)

# "property" belongs to a company; its lots are told by property_lot, for tenancy stands below whoever knows lots.
property_unit = table(
    "property",
    id_column(primary_key=True),
    id_column("company_id"),
    word_column("code", CODE_MAX),
    word_column("name", NAME_MAX),
    word_column("name_en", NAME_MAX),
    enum_column("state", NodeState),
    instant_column("created_at"),
    Column("version", BigInteger, nullable=False),
    scope=("company_id", None),
)
Index("uq_property_code", property_unit.c.company_id, property_unit.c.code, unique=True)

property_lot = table(
    "property_lot",
    id_column("lot_id", primary_key=True),
    id_column("company_id"),
    id_column("property_id"),
    scope=("company_id", "lot_id"),
    moves=OnMove.TOLD,
)
Index("ix_property_lot_property", property_lot.c.property_id, property_lot.c.lot_id)

LIST_MAX = 1_000


def _company(
    found: Id, code: str, name: str, name_en: str | None, of: Id | None, state: NodeState | None, version: int | None
) -> Company:
    return Company(found, code, name, name_en or name, of, state or NodeState.ACTIVE, version or 1)


def _renamed(target: Any) -> Any:
    """Return the update that a node's row takes: names and state; every save checks that nobody was faster."""
    version = func.coalesce(target.c.version, 1)
    return (
        update(target)
        .where(target.c.id == bindparam("node"), version == bindparam("seen"))
        .values(
            name=bindparam("new_name"), name_en=bindparam("new_name_en"), state=bindparam("new_state"),
            version=version + 1,
        )
    )  # fmt: skip


_COMPANY = select(*(company.c[name] for name in ("id", "code", "name", "name_en", "partner_id", "state", "version")))
INSERT_COMPANY = insert_into(company, once=True)
COMPANY_BY_CODE = Query(_COMPANY.where(company.c.code == bindparam("code")), _company)
COMPANY_BY_ID = Query(_COMPANY.where(company.c.id == bindparam("company")), _company)
COMPANIES = Query(_COMPANY.order_by(company.c.code).limit(LIST_MAX), _company)
# Of rules: which partner's settings hold in a company, and whether it is open, whoever asks.
ANY_COMPANY = Query(COMPANY_BY_ID.clause, _company, everywhere=True)
CLOSED_COMPANIES = Query(select(company.c.id).where(company.c.state == NodeState.CLOSED), one_id, everywhere=True)
COMPANIES_OF_PARTNER = Query(
    _COMPANY.where(company.c.partner_id == bindparam("partner")).order_by(company.c.code), _company, everywhere=True
)
SAVE_COMPANY = Write(_renamed(company).values(partner_id=bindparam("new_partner_id")))

_PARTNER = select(*(partner.c[name] for name in ("id", "code", "name", "name_en", "state", "version")))
INSERT_PARTNER = insert_into(partner)
PARTNER_BY_CODE = Query(_PARTNER.where(partner.c.code == bindparam("code")), Partner)
PARTNER_BY_ID = Query(_PARTNER.where(partner.c.id == bindparam("partner_id")), Partner)
ANY_PARTNER = Query(PARTNER_BY_ID.clause, Partner, everywhere=True)
PARTNERS = Query(_PARTNER.order_by(partner.c.code).limit(LIST_MAX), Partner)
SAVE_PARTNER = Write(_renamed(partner))

# A code names one partner or one company, so that a caller names where it acts by one word.
CODE_OF_COMPANY = Query(select(company.c.id).where(company.c.code == bindparam("code")), one_id, everywhere=True)
CODE_OF_PARTNER = Query(select(partner.c.id).where(partner.c.code == bindparam("code")), one_id, everywhere=True)

_PROPERTY = select(
    *(property_unit.c[name] for name in ("id", "company_id", "code", "name", "name_en", "state", "version"))
)
INSERT_PROPERTY = insert_into(property_unit)
PROPERTY_BY_CODE = Query(
    _PROPERTY.where(property_unit.c.company_id == bindparam("company"), property_unit.c.code == bindparam("code")),
    Property,
)
PROPERTIES_BY_CODE = Query(_PROPERTY.where(property_unit.c.code == bindparam("code")).limit(2), Property)
PROPERTY_BY_ID = Query(_PROPERTY.where(property_unit.c.id == bindparam("unit_id")), Property)
PROPERTIES = Query(_PROPERTY.order_by(property_unit.c.company_id, property_unit.c.code).limit(LIST_MAX), Property)
OPEN_PROPERTY_OF_COMPANY = Query(
    select(property_unit.c.id)
    .where(
        property_unit.c.company_id == bindparam("company"),
        or_(property_unit.c.state != NodeState.CLOSED, property_unit.c.state.is_(None)),
    )
    .limit(1),
    one_id,
)
SAVE_PROPERTY = Write(_renamed(property_unit))

INSERT_PROPERTY_LOT = insert_into(property_lot)
DELETE_PROPERTY_LOT = Write(delete(property_lot).where(property_lot.c.lot_id == bindparam("lot")))
# Of rules: which settings hold in a lot and which lots a grant reaches, whoever asks.
PROPERTY_OF_LOT = Query(
    select(property_lot.c.property_id).where(property_lot.c.lot_id == bindparam("lot")), one_id, everywhere=True
)
LOTS_OF_PROPERTY = Query(
    select(property_lot.c.lot_id)
    .where(property_lot.c.property_id == bindparam("unit_id"))
    .order_by(property_lot.c.lot_id),
    one_id,
    everywhere=True,
)
PROPERTY_LOTS = Query(
    select(property_lot.c.lot_id, property_lot.c.property_id).order_by(property_lot.c.lot_id),
    lambda lot, unit: (lot, unit),
)
