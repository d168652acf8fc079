"""Routes of tenancy: signing in, accounts, grants, roles, keys, the audit trail."""

from openberth.contexts.tenancy.api.accounts import AccountsApi
from openberth.contexts.tenancy.api.audit import AuditApi
from openberth.contexts.tenancy.api.grants import FindPlace, GrantsApi
from openberth.contexts.tenancy.api.keys import KeysApi
from openberth.contexts.tenancy.api.oauth import OAuth
from openberth.contexts.tenancy.api.signing_in import SignInApi

__all__ = ["AccountsApi", "AuditApi", "FindPlace", "GrantsApi", "KeysApi", "OAuth", "SignInApi"]
