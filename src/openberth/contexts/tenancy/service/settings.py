"""Use cases of settings that inherit downward, and the queries by which everybody else reads them."""

from collections.abc import Sequence

from openberth.contexts.tenancy.model.accounts import Level
from openberth.contexts.tenancy.model.events import SettingChanged
from openberth.contexts.tenancy.model.organisation import PLATFORM, Node, places_on
from openberth.contexts.tenancy.model.settings import DOWNWARD, KEYS, Effective, Key, Said, Value, effective, key_of
from openberth.contexts.tenancy.store import companies as nodes
from openberth.contexts.tenancy.store import settings as store
from openberth.infra.database import Reader, Unit
from openberth.infra.database.unit import check_version
from openberth.infra.permitting import needs
from openberth.kernel.errors import Denied, Malformed, NotFound, Refused
from openberth.kernel.ids import Id


def setting_of(reader: Reader, key: Key, *, company: Id | None = None, lot: Id | None = None) -> Value:
    """Return the value that holds for a lot of a company, for a company (or partner), or for the whole platform.

    For rules, whoever asks: what was set above counts beyond the caller's scope.
    """
    if company is None:
        node = Node.platform()
    else:
        node = Node.of_company(company) if lot is None else Node.of_lot(company, lot)
    return effective(key, node.level, _said(reader, node)).value


@needs("setting.read")
def settings_at(reader: Reader, *, node: Node) -> list[Effective]:
    """Return what holds at a node of the caller's scope, setting by setting. Raises ``NotFound("setting.node")``."""
    if not reader.caller.scope.allows(node.company, node.lot):
        raise NotFound("setting.node")
    said = _said(reader, node)
    return [effective(key, node.level, said) for key in KEYS.values()]


@needs("setting.write")
def set_setting(
    unit: Unit, *, node: Node, key: str, value: object, locked: bool | None = None, expected: int | None = None
) -> Effective:
    """Set a value at a node, and lock it for all below or not (None leaves that as it is).

    ``value`` None with a lock freezes what holds there. ``expected`` is the version of what was set there when it was
    read, 0 for nothing; None takes whatever is there. Raises ``Malformed`` for what the setting does not take,
    ``NotFound("setting.unknown")``, ``Refused``: ``setting.locked_by_<level>`` below a lock, ``state.changed``.
    """
    wanted, now = _writable(unit, node, key)
    own = now.own
    new = now.value if value is None else wanted.checked(value)
    lock = locked if locked is not None else own is not None and own.locked
    if own is not None and (own.value, own.locked) == (new, lock):
        return now
    check_version(_version(own), expected)
    if own is None:
        unit.run(
            store.INSERT, node_id=node.id, key=wanted.code, level=node.level, company_id=node.company,
            lot_id=node.lot, value=new, locked=lock, set_by=unit.caller.actor.name, set_at=unit.machine_now,
            # From its instant on: what is set again after it was taken back has none of the versions before.
            version=int(unit.machine_now),
        )  # fmt: skip
    else:
        unit.save(
            store.SAVE, node=node.id, setting_key=wanted.code, seen=own.version, new_value=new, new_locked=lock,
            new_by=unit.caller.actor.name, new_at=unit.machine_now,
        )  # fmt: skip
    _tell(unit, node, wanted, own, new, lock)
    return effective(wanted, node.level, _said(unit, node))


@needs("setting.write")
def clear_setting(unit: Unit, *, node: Node, key: str, expected: int | None = None) -> Effective:
    """Take back what was set at a node, its lock with it: what was set above or below holds again.

    Raises as ``set_setting``.
    """
    wanted, now = _writable(unit, node, key)
    if now.own is None:
        return now
    check_version(now.own.version, expected)
    unit.save(store.DELETE, node=node.id, setting_key=wanted.code, seen=now.own.version)
    _tell(unit, node, wanted, now.own, None, False)
    return effective(wanted, node.level, _said(unit, node))


def _writable(unit: Unit, node: Node, code: str) -> tuple[Key, Effective]:
    wanted = key_of(code)
    if not unit.caller.scope.allows(node.company, node.lot):
        raise Denied("auth.out_of_scope")
    if node.level not in wanted.levels:
        raise Malformed("setting.level", key=code, levels=", ".join(each.value for each in wanted.levels))
    unit.lock(("setting", node.id))
    now = effective(wanted, node.level, _said(unit, node))
    lock = now.locked_by
    if lock is not None and DOWNWARD.index(lock) < DOWNWARD.index(node.level):
        raise Refused(f"setting.locked_by_{lock.value}", key=code)
    return wanted, now


def _said(reader: Reader, node: Node) -> list[Said]:
    """Return everything that was set at a node and above it."""
    found: Sequence[Said] = reader.all(store.AT_NODES, **places_on(way_to(reader, node)))
    return list(found)


def way_to(reader: Reader, node: Node) -> list[Id]:
    """Return the nodes from the platform down to a node, beyond the caller's scope: what is set there counts."""
    way = [PLATFORM]
    if node.company is None:
        return way
    company = reader.one(nodes.ANY_COMPANY, company=node.company)
    if company is not None and company.partner is not None:
        way.append(company.partner)
    way.append(node.company)
    if node.lot is not None:
        unit = reader.one(nodes.PROPERTY_OF_LOT, lot=node.lot)
        if unit is not None:
            way.append(unit)
        way.append(node.lot)
    elif node.level is Level.PROPERTY:
        way.append(node.id)
    return way


def _tell(unit: Unit, node: Node, key: Key, before: Said | None, value: Value | None, locked: bool) -> None:
    old = {} if before is None else {"value": _word(before.value), "locked": _word(before.locked)}
    new = {} if value is None else {"value": _word(value), "locked": _word(locked)}
    told = SettingChanged(key=key.code, level=node.level.value, node=node.id, before=old, after=new)
    unit.append(told, company=node.company, lot=node.lot, key=node.id)


def _version(own: Said | None) -> int:
    return 0 if own is None else own.version


def _word(value: Value) -> str:
    return str(value).lower()
