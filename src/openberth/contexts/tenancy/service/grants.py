"""Use cases of grants and of a company's own roles."""

from collections.abc import Collection
from typing import Any

from openberth.contexts.tenancy.model.accounts import Grant, Level
from openberth.contexts.tenancy.model.acting import Held
from openberth.contexts.tenancy.model.events import GrantGiven, GrantTaken, RoleChanged
from openberth.contexts.tenancy.model.permissions import OFFICERS, PERMISSIONS, ROLES, OwnRole, Role
from openberth.contexts.tenancy.store import accounts as store
from openberth.contexts.tenancy.store import companies as nodes
from openberth.infra.database import Reader, Unit
from openberth.infra.database.unit import check_version
from openberth.infra.permitting import needs
from openberth.kernel.authority import EVERYTHING
from openberth.kernel.errors import Denied, Malformed, NotFound, Refused
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant

BUILT_IN = {role.value: permissions for role, permissions in ROLES.items()}
GRANTS_MAX = 100


@needs("grant.write")
def give(
    unit: Unit, *, account: Id, role: str, level: Level, node: Id | None = None, company: Id | None = None,
    until: Instant | None = None,
) -> Grant:  # fmt: skip
    """Give a role at a node; ``company`` is the node's, of a partner itself.

    Security administrators give any role, anybody else only what it has itself, and nobody gives to itself.
    Raises ``NotFound`` (``account.not_found``, ``role.not_found``), ``Denied``, ``Malformed("grant.node")``.
    """
    owner = unit.one(store.ACCOUNT_BY_ID, account=account)
    if owner is None:
        raise NotFound("account.not_found")
    if (level is Level.PLATFORM) != (node is None) or (level is not Level.PLATFORM and company is None):
        raise Malformed("grant.node")
    _check_giver(unit, account, role, _permissions_of(unit, role, company), level)
    if len(unit.all(store.ALL_GRANTS_OF, account=account)) >= GRANTS_MAX:
        raise Refused("grant.too_many", most=GRANTS_MAX)
    grant = Grant(unit.new_id(), account, role, level, node, company, unit.caller.actor.name, unit.machine_now, until)
    unit.run(
        store.INSERT_GRANT, id=grant.id, account_id=account, role=role, level=level, node=node, company_id=company,
        granted_by=grant.granted_by, granted_at=grant.granted_at, until_at=until,
    )  # fmt: skip
    told = GrantGiven(account=account, grant=grant.id, role=role, level=level.value, node=node)
    unit.append(told, company=company, lot=node if level is Level.LOT else None, key=account)
    return grant


@needs("grant.write")
def take_back(unit: Unit, *, grant: Id) -> None:
    """Take a role back. Raises ``NotFound("grant.not_found")``."""
    found = unit.one(store.GRANT_BY_ID, grant_id=grant)
    if found is None:
        raise NotFound("grant.not_found")
    _check_giver(unit, found.account, found.role, _permissions_of(unit, found.role, found.company), found.level)
    unit.run(store.DELETE_GRANT, grant_id=grant)
    lot = found.node if found.level is Level.LOT else None
    unit.append(
        GrantTaken(account=found.account, grant=grant, role=found.role), company=found.company, lot=lot,
        key=found.account,
    )  # fmt: skip


def grants_of(reader: Reader, *, account: Id) -> list[Grant]:
    """Return the grants of an account that the caller may see."""
    return reader.all(store.GRANTS_OF, account=account)


def held_by(reader: Reader, *, account: Id) -> list[Held]:
    """Return the grants of an account that hold now, wherever they do, with their permissions: for rules, not lists."""
    every = reader.all(store.ALL_GRANTS_OF, account=account)
    found = [each for each in every if each.holds_at(reader.machine_now)]
    return [Held(each, _permissions(reader, each.role, each.company), _below(reader, each)) for each in found]


def _below(reader: Reader, grant: Grant) -> tuple[Id, ...]:
    if grant.level is Level.PARTNER:
        return tuple(each.id for each in reader.all(nodes.COMPANIES_OF_PARTNER, partner=grant.node))
    if grant.level is Level.PROPERTY:
        return tuple(reader.all(nodes.LOTS_OF_PROPERTY, unit_id=grant.node))
    return ()


@needs("role.write")
def save_role(
    unit: Unit, *, company: Id, code: str, name: str, permissions: Collection[str], expected: int | None = None
) -> OwnRole:
    """Make or change a company's own role, of permissions that its maker has; the same again changes nothing.

    ``expected`` is the version of the role that was read, 0 for none; None takes whatever is there.
    Raises ``Malformed("role.permissions")``, ``Refused`` (``role.built_in``, ``state.changed``) and
    ``Denied("role.beyond")``.
    """
    wanted = frozenset(permissions)
    if code in BUILT_IN:
        raise Refused("role.built_in", role=code)
    if not wanted <= PERMISSIONS:
        raise Malformed("role.permissions", unknown=", ".join(sorted(wanted - PERMISSIONS))[:200])
    unit.lock(("role", company))
    found: Any = unit.one(store.ROLE_BY_CODE, company=company, code=code)
    before = frozenset() if found is None else found["permissions"]
    mine = unit.caller.permissions
    if mine is not None and not wanted | before <= mine:
        raise Denied("role.beyond")
    plain = sorted(wanted)
    if found is not None and (found["name"], before) == (name, wanted):
        return OwnRole(code, name, wanted, found["version"])
    check_version(0 if found is None else found["version"], expected)
    if found is None:
        key = unit.new_id()
        # Begins at its instant, so that a role of a code that was dropped has none of the versions of the earlier one.
        version = int(unit.machine_now)
        unit.run(
            store.INSERT_ROLE, id=key, company_id=company, code=code, name=name, permissions=plain, version=version
        )  # fmt: skip
    else:
        key, version = found["id"], found["version"] + 1
        unit.save(
            store.SAVE_ROLE, role_id=key, seen=found["version"], new_name=name, new_permissions=plain
        )  # fmt: skip
    unit.append(
        RoleChanged(role=code, added=tuple(sorted(wanted - before)), removed=tuple(sorted(before - wanted))),
        company=company, lot=None, key=key,
    )  # fmt: skip
    return OwnRole(code, name, wanted, version)


@needs("role.write")
def drop_role(unit: Unit, *, company: Id, code: str, expected: int | None = None) -> None:
    """Drop an own role that nobody has; ``expected`` as of ``save_role``.

    Raises ``NotFound("role.not_found")`` and ``Refused`` (``role.in_use``, ``state.changed``).
    """
    unit.lock(("role", company))
    found: Any = unit.one(store.ROLE_BY_CODE, company=company, code=code)
    if found is None:
        raise NotFound("role.not_found", role=code)
    check_version(found["version"], expected)
    if unit.all(store.GRANTS_OF_ROLE, company=company, role=code):
        raise Refused("role.in_use", role=code)
    unit.save(store.DELETE_ROLE, role_id=found["id"], seen=found["version"])
    gone = RoleChanged(role=code, added=(), removed=tuple(sorted(found["permissions"])))
    unit.append(gone, company=company, lot=None, key=found["id"])


def own_roles(reader: Reader, *, company: Id) -> list[OwnRole]:
    """Return the own roles of a company by code."""
    found: list[Any] = reader.all(store.ROLES_OF, company=company)
    return [OwnRole(each["code"], each["name"], each["permissions"], each["version"]) for each in found]


def _check_giver(unit: Unit, account: Id, role: str, permissions: frozenset[str], level: Level) -> None:
    mine = unit.caller.permissions
    if mine is None:
        return
    if unit.caller.actor.name == str(account):
        raise Denied("grant.oneself")
    if unit.caller.scope == EVERYTHING and mine >= ROLES[Role.SECURITY_ADMINISTRATOR]:
        return
    if level is Level.PLATFORM or role in OFFICERS or not permissions <= mine:
        raise Denied("grant.beyond", role=role)


def _permissions_of(reader: Reader, role: str, company: Id | None) -> frozenset[str]:
    found = _permissions(reader, role, company)
    if role not in BUILT_IN and not found:
        raise NotFound("role.not_found", role=role)
    return found


def _permissions(reader: Reader, role: str, company: Id | None) -> frozenset[str]:
    if role in BUILT_IN:
        return BUILT_IN[role]
    found: Any = None if company is None else reader.one(store.ANY_ROLE_BY_CODE, company=company, code=role)
    return frozenset() if found is None else frozenset(found["permissions"])
