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
from openberth.contexts.permits.service import (
    PermitKeeper,
    apply_permits,
    carry_lot,
    list_changes,
    permit,
    permit_of,
    permits_of_lot,
)

__all__ = [
    "GrantedPermit",
    "ListedPermit",
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
