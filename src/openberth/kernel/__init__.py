"""The common words of the house: money, time, ids, plates, errors and the event envelope.

Pure and on the standard library alone: no clock, no I/O, no framework. Everything else may import it.
"""
