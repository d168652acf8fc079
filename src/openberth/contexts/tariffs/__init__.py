"""Tariffs: what parking costs, as versioned documents, priced by pure arithmetic and explained line by line.

Words: a *tariff* is one version of a tariff file and never changes; a *segment* is a part of a stay under one tariff or
one right; a *quote* is a price with its lines; a *settlement* says what is still owed after payments.
Invariants: the lines of a quote add up to its total and its minutes to the stay's minutes; a price never falls as time
goes on; what cannot be priced is an error (``tariff.not_computable``), never 0; no float, one rounding per line.
Events out: ``tariffs.published``.
"""

from openberth.contexts.tariffs.document import quote_to_plain, read_tariff, tariff_from_plain, tariff_to_plain
from openberth.contexts.tariffs.engine import quote, settlement, single
from openberth.contexts.tariffs.model import (
    Calendar,
    Line,
    NestedCaps,
    NotComputable,
    Payment,
    Policy,
    Quote,
    Segment,
    Settlement,
    Tariff,
    TariffPublished,
    TariffVersion,
    Terms,
    Vehicle,
)
from openberth.contexts.tariffs.service import calendars_for, in_force, newest, numbered, publish, version, versions

__all__ = [
    "Calendar",
    "Line",
    "NestedCaps",
    "NotComputable",
    "Payment",
    "Policy",
    "Quote",
    "Segment",
    "Settlement",
    "Tariff",
    "TariffPublished",
    "TariffVersion",
    "Terms",
    "Vehicle",
    "calendars_for",
    "in_force",
    "newest",
    "numbered",
    "publish",
    "quote",
    "quote_to_plain",
    "read_tariff",
    "settlement",
    "single",
    "tariff_from_plain",
    "tariff_to_plain",
    "version",
    "versions",
]
