"""What permits are, and what cameras hold of them. Pure."""

from openberth.contexts.permits.model.permits import (
    ALWAYS,
    GrantedPermit,
    ListedPermit,
    Permit,
    PermitChanges,
    PermitHeld,
    PermitKind,
    PermitsApplied,
    diff,
)

__all__ = [
    "ALWAYS",
    "GrantedPermit",
    "ListedPermit",
    "Permit",
    "PermitChanges",
    "PermitHeld",
    "PermitKind",
    "PermitsApplied",
    "diff",
]
