"""Payments: what is owed, the tries to pay it, and the money that came.

Words: a *bill* says what is owed for a subject (payments does not know what a stay is) and keeps the quote that
explains it; an *attempt* is one order at a channel, known there by its number; a *receipt* is money that came,
counted once by its source; what no bill owed is *surplus* and waits for its way back.
Invariants: a bill is never paid more than is due; every unit of money received is either paid on a bill or surplus;
a channel's transaction is one receipt, however often it is told; money that arrives late is still counted.
Events out: ``bill_issued``, ``bill_settled``, ``attempt_opened``, ``attempt_ended``, ``receipt_recorded``,
``surplus_received``, all of kind ``payments.*``.
"""
