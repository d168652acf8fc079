"""Permits: rights to park that somebody was given, by plate.

Words: a *permit* belongs to one lot and one plate and has a kind: resident, monthly, internal, free, or blocked (the
opposite of a right). Its days are days in the lot's zone, half-open.
Invariants: a code identifies a permit for ever; a plate has at most one permit at a time in a lot; what disappears from
the list is retired, never deleted; plates live in the vault and never in events or messages.
Events out: ``permits.list_applied``, ``permits.permit_held``.
"""

from openberth.contexts.permits.model import (
    GrantedPermit,
    ListedPermit,
    Permit,
    PermitChanges,
    PermitKind,
    PermitsApplied,
)
from openberth.contexts.permits.model.white_lists import CARS_MAX
from openberth.contexts.permits.ports import ListCarrier, NotTold
from openberth.contexts.permits.service.granting import (
    PermitKeeper,
    apply_permits,
    carry_lot,
    list_changes,
    permit,
    permit_of,
    permits_of_lot,
)
from openberth.contexts.permits.service.white_lists import Car as ListedCar

__all__ = [
    "CARS_MAX",
    "GrantedPermit",
    "ListCarrier",
    "ListedCar",
    "ListedPermit",
    "NotTold",
    "Permit",
    "PermitChanges",
    "PermitKeeper",
    "PermitKind",
    "PermitsApplied",
    "apply_permits",
    "carry_lot",
    "list_changes",
    "permit",
    "permit_of",
    "permits_of_lot",
]
