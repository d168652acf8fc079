"""Routes of insight."""

from openberth.contexts.insight.api.finance import FinanceApi

__all__ = ["FinanceApi"]
