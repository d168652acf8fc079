"""What a change of a lot says in the audit trail: each field with what it was and what it is. Pure."""

import dataclasses
from collections.abc import Mapping
from enum import Enum
from typing import Any

from openberth.contexts.facility.model.changes import Action, Change, Changes, Thing, ThingKind, things_by_kind
from openberth.contexts.facility.model.layout import Lot
from openberth.contexts.facility.model.plan import Plan

TOLD_MAX = 12  # things that are told one by one: what the text of an entry holds; of the others how many there were
Values = dict[str, Any]


def told(existing: Lot | None, wanted: Lot, changes: Changes) -> tuple[Values | None, Values]:
    """Return the values before and after, by thing and field, e.g. ``{"device cam-1": {"networks": [...]}}``.

    Devices come first, then lanes: who controls a gate is what is asked about. A new lot is told by its counts.
    """
    if existing is None:
        return None, {"created": True, "changes": changes.counts()}
    before: Values = {}
    after: Values = {}
    for name in changes.lot_fields:
        before[name], after[name] = _plain(getattr(existing, name)), _plain(getattr(wanted, name))
    old = things_by_kind(existing)
    order = list(reversed(ThingKind))
    for change in sorted(changes.things, key=lambda each: order.index(each.kind))[:TOLD_MAX]:
        _tell(change, old[change.kind].get(change.code), before, after)
    if len(changes.things) > TOLD_MAX:
        after["changes"] = changes.counts()
    return before, after


def _tell(change: Change, old: Thing | None, before: Values, after: Values) -> None:
    name = f"{change.kind.value} {change.code}"
    if change.action is Action.ADDED:
        after[name] = _plain(change.thing)
    elif change.action is Action.RETIRED:
        before[name] = _plain(change.thing)
    else:
        before[name] = {field: _plain(getattr(old, field)) for field in change.fields}
        after[name] = {field: _plain(getattr(change.thing, field)) for field in change.fields}


def _plain(value: Any) -> Any:
    if isinstance(value, Plan):
        return value.summary()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return {name: _plain(found) for name, found in fields.items() if found is not None and found != ()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(name): _plain(found) for name, found in value.items()}
    if isinstance(value, (tuple, list, frozenset, set)):
        return [_plain(found) for found in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)
