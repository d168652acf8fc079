"""Operator routes of tariffs: publishing, drafts, prices, calendars."""

from openberth.contexts.tariffs.api.calendars import CalendarsApi
from openberth.contexts.tariffs.api.forms import DOCUMENT_MAX
from openberth.contexts.tariffs.api.life import LifeApi
from openberth.contexts.tariffs.api.prices import PricesApi
from openberth.contexts.tariffs.api.publishing import Publisher
from openberth.contexts.tariffs.api.tariffs import TariffsApi
from openberth.contexts.tariffs.api.views import LineView, lines_view

__all__ = ["DOCUMENT_MAX", "CalendarsApi", "LifeApi", "LineView", "PricesApi", "Publisher", "TariffsApi", "lines_view"]
