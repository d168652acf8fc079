"""Tenancy: who runs what, and who may do what.

Words: a *company* runs lots; its code identifies it for ever; a *permission* is a word that routes and use cases
declare; a *role* is a set of them.
Invariants: a company is made once per code and never deleted; a bearer token is stored as a digest only; no permission
that changes anything belongs to two of the three officers.
"""

from openberth.contexts.tenancy.model.permissions import DRIVING, PERMISSIONS, ROLES, Role
from openberth.contexts.tenancy.service.companies import (
    Company,
    companies,
    company_by_code,
    ensure_company,
    make_company,
)
from openberth.contexts.tenancy.service.tokens import operator_of, remember_operator_token

__all__ = [
    "DRIVING",
    "PERMISSIONS",
    "ROLES",
    "Company",
    "Role",
    "companies",
    "company_by_code",
    "ensure_company",
    "make_company",
    "operator_of",
    "remember_operator_token",
]
