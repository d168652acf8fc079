"""Routes of insight."""

from openberth.contexts.insight.api.finance import FinanceApi
from openberth.contexts.insight.api.live import LiveApi
from openberth.contexts.insight.api.tables import TablesApi

__all__ = ["FinanceApi", "LiveApi", "TablesApi"]
