"""Tenancy: who runs what. So far companies; partners, properties, accounts and roles come with their own issue.

Words: a *company* runs lots; its code identifies it for ever.
Invariants: a company is made once per code and never deleted; a bearer token is stored as a digest only.
"""

from openberth.contexts.tenancy.service import (
    Company,
    companies,
    company_by_code,
    ensure_company,
    operator_of,
    remember_operator_token,
)

__all__ = ["Company", "companies", "company_by_code", "ensure_company", "operator_of", "remember_operator_token"]
