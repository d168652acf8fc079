"""Operator routes of tariffs: publishing, drafts, prices, calendars."""

from openberth.contexts.tariffs.api.tariffs import TariffsApi, lines_view

__all__ = ["TariffsApi", "lines_view"]
