"""Insight: what money adds up to, over years, by whatever people ask for.

Words: a *rollup row* holds what a day or a month of a lot adds up to, by company, currency, method, contract, tariff
and operator; a *generation* is a whole set of rows; a *rebuild* reads the log anew into another generation and lets it
serve; *as of* says up to where an answer counts.
Invariants: an event is counted once, in the unit that moves the consumer's cursor; a rebuild gives the same rows;
currencies are never added; days are those of a lot's zone as it was when they were counted; rows stay with the company
under which they happened; what a row says comes from events only, never from rows that can change.
Events in: ``payments.bill_issued``, ``bill_withdrawn``, ``bill_written_off``, ``receipt_recorded``, ``refund_made``;
``facility.lot_applied`` and ``tenancy.lot_came`` for zones and codes of lots. Events out: none.
"""

from openberth.contexts.insight.model.finance import Answer, AsOf, Dimension, Question
from openberth.contexts.insight.model.movements import Measure
from openberth.contexts.insight.reactions import Rebuilding, Tabling, consumers
from openberth.contexts.insight.service.finance import finance
from openberth.contexts.insight.service.rebuilding import progress, rebuild
from openberth.contexts.insight.service.verifying import Difference, verify_lot

__all__ = [
    "Answer",
    "AsOf",
    "Difference",
    "Dimension",
    "Measure",
    "Question",
    "Rebuilding",
    "Tabling",
    "consumers",
    "finance",
    "progress",
    "rebuild",
    "verify_lot",
]
