"""Operator routes of permits."""

from openberth.contexts.permits.api.permits import PermitsApi
from openberth.contexts.permits.api.white_lists import WhiteListsApi

__all__ = ["PermitsApi", "WhiteListsApi"]
