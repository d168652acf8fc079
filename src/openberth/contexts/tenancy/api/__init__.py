"""Routes of tenancy: signing in, accounts, grants, roles, keys, people, the organisation, the audit trail."""

from openberth.contexts.tenancy.api.accounts import AccountsApi
from openberth.contexts.tenancy.api.api_keys import ApiKeysApi
from openberth.contexts.tenancy.api.audit import AuditApi
from openberth.contexts.tenancy.api.backups import BackupsApi
from openberth.contexts.tenancy.api.confirming import ConfirmApi
from openberth.contexts.tenancy.api.exports import ExportsApi
from openberth.contexts.tenancy.api.forgetting import ForgettingApi
from openberth.contexts.tenancy.api.grants import GrantsApi
from openberth.contexts.tenancy.api.keys import KeysApi
from openberth.contexts.tenancy.api.me import MeApi
from openberth.contexts.tenancy.api.oauth import OAuth
from openberth.contexts.tenancy.api.organisation import OrganisationApi
from openberth.contexts.tenancy.api.own_plates import OwnPlatePath, OwnPlatesApi, OwnPlateView, own_plate_view
from openberth.contexts.tenancy.api.people import PeopleApi
from openberth.contexts.tenancy.api.people_views import UnmaskPlateForm, WholePlateView
from openberth.contexts.tenancy.api.places import Lots
from openberth.contexts.tenancy.api.settings import SettingsApi
from openberth.contexts.tenancy.api.signing_in import Self, SignInApi, account_of, own

__all__ = [
    "AccountsApi",
    "ApiKeysApi",
    "AuditApi",
    "BackupsApi",
    "ConfirmApi",
    "ExportsApi",
    "ForgettingApi",
    "GrantsApi",
    "KeysApi",
    "Lots",
    "MeApi",
    "OAuth",
    "OrganisationApi",
    "OwnPlatePath",
    "OwnPlateView",
    "OwnPlatesApi",
    "PeopleApi",
    "Self",
    "SettingsApi",
    "SignInApi",
    "UnmaskPlateForm",
    "WholePlateView",
    "account_of",
    "own",
    "own_plate_view",
]
