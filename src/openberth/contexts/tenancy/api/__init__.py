"""Routes of tenancy: signing in, accounts, grants, roles, keys."""

from openberth.contexts.tenancy.api.accounts import AccountsApi
from openberth.contexts.tenancy.api.grants import FindPlace, GrantsApi
from openberth.contexts.tenancy.api.oauth import OAuth
from openberth.contexts.tenancy.api.signing_in import SignInApi

__all__ = ["AccountsApi", "FindPlace", "GrantsApi", "OAuth", "SignInApi"]
