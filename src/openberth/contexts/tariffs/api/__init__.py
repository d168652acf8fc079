"""Operator routes of tariffs: publishing, drafts, prices, calendars."""

from openberth.contexts.tariffs.api.prices import PricesApi
from openberth.contexts.tariffs.api.tariffs import TariffsApi
from openberth.contexts.tariffs.api.views import LineView, lines_view

__all__ = ["LineView", "PricesApi", "TariffsApi", "lines_view"]
