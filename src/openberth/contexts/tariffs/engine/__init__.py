"""The pricing engine: pure, exact, explained line by line. Its definition is docs/adr/0006-tariff-engine.md."""

from openberth.contexts.tariffs.engine.quoting import Quoting, quote, single
from openberth.contexts.tariffs.engine.settling import MAX_GRACES, settlement

__all__ = ["MAX_GRACES", "Quoting", "quote", "settlement", "single"]
