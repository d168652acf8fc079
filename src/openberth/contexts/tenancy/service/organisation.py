"""Use cases of the tree: partners, companies and properties are made, renamed, moved and closed, always told why.

Everything at once takes the lock of its node, and of the node above where it counts what lies there.
"""

from collections.abc import Mapping
from typing import Any

from openberth.contexts.tenancy.model.accounts import Level
from openberth.contexts.tenancy.model.events import NodeChanged, NodeMade
from openberth.contexts.tenancy.model.organisation import (
    Company,
    NodeState,
    Partner,
    Property,
    check_code,
    check_name,
)
from openberth.contexts.tenancy.service.companies import check_everywhere, company_by_code, make_company
from openberth.contexts.tenancy.service.sessions import end_all_of
from openberth.contexts.tenancy.store import companies as store
from openberth.infra.database import Reader, Unit
from openberth.infra.database.unit import check_version
from openberth.infra.permitting import inner, needs
from openberth.kernel.errors import NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.reasons import checked_reason

Values = Mapping[str, str]


# -- reading -----------------------------------------------------------------------------------------------------------


def partners(reader: Reader) -> list[Partner]:
    """Return the partners of the caller's scope by code."""
    return reader.all(store.PARTNERS)


def partner_by_code(reader: Reader, *, code: str) -> Partner:
    """Return a partner. Raises ``NotFound("partner.not_found")``."""
    found = reader.one(store.PARTNER_BY_CODE, code=code)
    if found is None:
        raise NotFound("partner.not_found", partner=code)
    return found


def properties(reader: Reader) -> list[Property]:
    """Return the properties of the caller's scope by company and code."""
    return reader.all(store.PROPERTIES)


def property_named(reader: Reader, *, code: str, company: str | None = None) -> Property:
    """Return a property of a company, or the only one of a code.

    Raises ``NotFound("property.not_found")`` and ``Refused("property.which")`` when several companies have the code.
    """
    if company is not None:
        owner = company_by_code(reader, code=company)
        found = reader.all(store.PROPERTY_BY_CODE, company=owner.id, code=code)
    else:
        found = reader.all(store.PROPERTIES_BY_CODE, code=code)
    if len(found) > 1:
        raise Refused("property.which", property=code)
    if not found:
        raise NotFound("property.not_found", property=code)
    return found[0]


def lots_of_properties(reader: Reader) -> dict[Id, Id]:
    """Return the property of every lot that has one, of the caller's scope."""
    return dict(reader.all(store.PROPERTY_LOTS))


# -- partners ----------------------------------------------------------------------------------------------------------


@needs("organisation.write")
def make_partner(unit: Unit, *, code: str, name: str, name_en: str) -> Partner:
    """Make a partner. Raises ``Malformed`` and ``Refused("organisation.code_taken")``."""
    check_everywhere(unit)
    check_code(code)
    if unit.one(store.CODE_OF_PARTNER, code=code) or unit.one(store.CODE_OF_COMPANY, code=code):
        raise Refused("organisation.code_taken", code=code)
    made = Partner(unit.new_id(), code, check_name(name), check_name(name_en), NodeState.ACTIVE, 1)
    unit.run(
        store.INSERT_PARTNER, id=made.id, code=code, name=made.name, name_en=made.name_en, state=made.state,
        created_at=unit.now, version=1,
    )  # fmt: skip
    unit.append(NodeMade(level="partner", node=made.id, code=code), company=made.id, lot=None, key=made.id)
    return made


@needs("organisation.write")
def rename_partner(
    unit: Unit, *, partner: str, name: str, name_en: str, reason: str | None = None, expected: int | None = None
) -> None:
    """Give a partner other names. ``expected`` is the version that was read. Raises ``Refused("state.changed")``."""
    found = partner_by_code(unit, code=partner)
    _rename(unit, Level.PARTNER, found, found.id, name, name_en, reason, expected, store.SAVE_PARTNER)


@needs("organisation.write")
def close_partner(unit: Unit, *, partner: str, reason: str) -> None:
    """Close a partner for ever; its accounts sign in no more.

    Raises ``Refused("partner.has_companies")`` while companies of it are active.
    """
    found = partner_by_code(unit, code=partner)
    unit.lock(("partner", found.id))
    open_ones = [each for each in companies_of(unit, partner=found.id) if each.state is NodeState.ACTIVE]
    if open_ones:
        raise Refused("partner.has_companies", partner=found.code, count=len(open_ones))
    _close(unit, Level.PARTNER, found, found.id, reason, store.SAVE_PARTNER)
    end_all_of(unit, company=found.id)


@inner
def companies_of(unit: Reader, *, partner: Id) -> list[Company]:
    """Return the companies of a partner by code, wherever the caller's scope ends."""
    return unit.all(store.COMPANIES_OF_PARTNER, partner=partner)


# -- companies ---------------------------------------------------------------------------------------------------------


@needs("organisation.write")
def found_company(unit: Unit, *, code: str, name: str, name_en: str, partner: str | None = None) -> Company:
    """Make a new company, of a partner when one is named. Raises ``Refused`` for a code or partner that is not free."""
    check_everywhere(unit)
    check_code(code)
    if unit.one(store.CODE_OF_COMPANY, code=code) is not None:
        raise Refused("organisation.code_taken", code=code)
    owner = None if partner is None else _open_partner(unit, partner)
    make_company(unit, code=code, name=check_name(name), name_en=check_name(name_en), partner=owner)
    return company_by_code(unit, code=code)


@needs("organisation.write")
def rename_company(
    unit: Unit, *, company: str, name: str, name_en: str, reason: str | None = None, expected: int | None = None
) -> None:
    """Give a company other names; its code stays. ``expected`` as of ``rename_partner``."""
    found = company_by_code(unit, code=company)
    _rename(
        unit, Level.COMPANY, found, found.id, name, name_en, reason, expected, store.SAVE_COMPANY,
        new_partner_id=found.partner,
    )  # fmt: skip


@needs("organisation.write")
def move_company(
    unit: Unit, *, company: str, partner: str | None, reason: str, expected: int | None = None
) -> None:  # fmt: skip
    """Hang a company under another partner, or under none. Whoever holds the old partner loses it at once.

    ``expected`` as of ``rename_partner``.
    """
    check_everywhere(unit)
    found = company_by_code(unit, code=company)
    target = None if partner is None else _open_partner(unit, partner)
    if found.partner == target:
        return
    check_version(found.version, expected)
    _check_active(Level.COMPANY, found)
    unit.save(
        store.SAVE_COMPANY, node=found.id, seen=found.version, new_name=found.name, new_name_en=found.name_en,
        new_state=found.state, new_partner_id=target,
    )  # fmt: skip
    _tell(
        unit, Level.COMPANY, found.id, found.id, "moved", {"partner": _word(found.partner)},
        {"partner": _word(target)}, reason,
    )  # fmt: skip


def _open_partner(unit: Unit, code: str) -> Id:
    found = partner_by_code(unit, code=code)
    unit.lock(("partner", found.id))
    found = partner_by_code(unit, code=code)
    _check_active(Level.PARTNER, found)
    return found.id


# -- properties --------------------------------------------------------------------------------------------------------


@needs("property.write")
def make_property(unit: Unit, *, company: str, code: str, name: str, name_en: str) -> Property:
    """Make a property of a company. Raises ``Malformed`` and ``Refused("organisation.code_taken")``."""
    owner = company_by_code(unit, code=company)
    _check_active(Level.COMPANY, owner)
    if unit.one(store.PROPERTY_BY_CODE, company=owner.id, code=check_code(code)) is not None:
        raise Refused("organisation.code_taken", code=code)
    made = Property(unit.new_id(), owner.id, code, check_name(name), check_name(name_en), NodeState.ACTIVE, 1)
    unit.run(
        store.INSERT_PROPERTY, id=made.id, company_id=owner.id, code=code, name=made.name, name_en=made.name_en,
        state=made.state, created_at=unit.now, version=1,
    )  # fmt: skip
    unit.append(NodeMade(level="property", node=made.id, code=code), company=owner.id, lot=None, key=made.id)
    return made


@needs("property.write")
def rename_property(
    unit: Unit, *, found: Property, name: str, name_en: str, reason: str | None = None, expected: int | None = None
) -> None:
    """Give a property other names. ``expected`` as of ``rename_partner``."""
    _rename(unit, Level.PROPERTY, found, found.company, name, name_en, reason, expected, store.SAVE_PROPERTY)


@needs("property.write")
def close_property(unit: Unit, *, found: Property, reason: str) -> None:
    """Close a property for ever. Raises ``Refused("property.has_lots")`` while lots lie in it."""
    unit.lock(("property", found.id))
    lots = unit.all(store.LOTS_OF_PROPERTY, unit_id=found.id)
    if lots:
        raise Refused("property.has_lots", property=found.code, count=len(lots))
    _close(unit, Level.PROPERTY, found, found.company, reason, store.SAVE_PROPERTY)


@needs("property.write")
def place_lot(unit: Unit, *, company: Id, lot: Id, into: Property | None, reason: str | None = None) -> None:
    """Put a lot into a property of its company, or take it out of the one it is in (None).

    Raises ``Refused("property.other_company")``.
    """
    if into is not None and into.company != company:
        raise Refused("property.other_company", property=into.code)
    unit.lock(("lot", lot), *((("property", into.id),) if into is not None else ()))
    before = unit.one(store.PROPERTY_OF_LOT, lot=lot)
    after = None if into is None else into.id
    if before == after:
        return
    if into is not None:
        _check_active(Level.PROPERTY, property_named_by_id(unit, into.id))
    unit.run(store.DELETE_PROPERTY_LOT, lot=lot)
    if after is not None:
        unit.run(store.INSERT_PROPERTY_LOT, lot_id=lot, company_id=company, property_id=after)
    told = NodeChanged(
        level="lot", node=lot, what="placed", before={"property": _word(before)}, after={"property": _word(after)},
        reason=None if reason is None else checked_reason(reason),
    )  # fmt: skip
    unit.append(told, company=company, lot=lot, key=lot)


def property_named_by_id(reader: Reader, unit_id: Id) -> Property:
    """Return a property by its id. Raises ``NotFound("property.not_found")``."""
    found = reader.one(store.PROPERTY_BY_ID, unit_id=unit_id)
    if found is None:
        raise NotFound("property.not_found", property=str(unit_id))
    return found


# -- what all of them do -----------------------------------------------------------------------------------------------


def _rename(
    unit: Unit, level: Level, found: Partner | Company | Property, company: Id, name: str, name_en: str,
    reason: str | None, expected: int | None, save: Any, **more: Any,
) -> None:  # fmt: skip
    _check_active(level, found)
    new = {"name": check_name(name), "name_en": check_name(name_en)}
    old = {"name": found.name, "name_en": found.name_en}
    if new == old:
        return
    check_version(found.version, expected)
    unit.save(
        save, node=found.id, seen=found.version, new_name=new["name"], new_name_en=new["name_en"],
        new_state=found.state, **more,
    )  # fmt: skip
    _tell(unit, level, found.id, company, "renamed", old, new, reason)


def _close(
    unit: Unit, level: Level, found: Partner | Company | Property, company: Id, reason: str, save: Any, **more: Any
) -> None:
    _check_active(level, found)
    unit.save(
        save, node=found.id, seen=found.version, new_name=found.name, new_name_en=found.name_en,
        new_state=NodeState.CLOSED, **more,
    )  # fmt: skip
    _tell(unit, level, found.id, company, "closed", {"state": "active"}, {"state": "closed"}, reason)


def _check_active(level: Level, found: Partner | Company | Property) -> None:
    if found.state is NodeState.CLOSED:
        raise Refused(f"{level.value}.closed", **{level.value: found.code})


def _tell(
    unit: Unit, level: Level, node: Id, company: Id, what: str, before: Values, after: Values, reason: str | None
) -> None:
    why = None if reason is None else checked_reason(reason)
    told = NodeChanged(level=level.value, node=node, what=what, before=before, after=after, reason=why)
    unit.append(told, company=company, lot=None, key=node)


def _word(node: Id | None) -> str:
    return "-" if node is None else str(node)
