"""Tenancy: who runs what, and who may do what.

Words: a *company* runs lots; its code identifies it for ever; a *permission* is a word that routes and use cases
declare; a *role* is a set of them; an *account* proves who it is and holds *grants*: a role at a node of the tree; a
*session* is a sign-in that goes on, an access token speaks for it for minutes.
Invariants: a company is made once per code and never deleted; a bearer token is stored as a digest only; no permission
that changes anything belongs to two of the three officers; nobody gives itself a role, and inside a company nobody
gives what it has not; a refresh token used twice ends its session.
Events out: ``account_made``, ``account_changed``, ``grant_given``, ``grant_taken``, ``role_changed``, ``signed_in``,
``sign_in_refused``, ``session_ended``, ``signing_key_made``, all of kind ``tenancy.*``.
"""

from openberth.contexts.tenancy.model.permissions import DRIVING, PERMISSIONS, ROLES, Role
from openberth.contexts.tenancy.service.companies import (
    Company,
    companies,
    company_by_code,
    ensure_company,
    make_company,
)
from openberth.contexts.tenancy.service.sessions import PURGE_MAX
from openberth.contexts.tenancy.service.sessions import purge as purge_sessions
from openberth.contexts.tenancy.service.tokens import operator_of, remember_operator_token

__all__ = [
    "DRIVING",
    "PERMISSIONS",
    "PURGE_MAX",
    "ROLES",
    "Company",
    "Role",
    "companies",
    "company_by_code",
    "ensure_company",
    "make_company",
    "operator_of",
    "purge_sessions",
    "remember_operator_token",
]
