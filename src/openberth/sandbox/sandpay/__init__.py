"""Sandpay: a payment channel to practise with, described in ``docs/guides/sandpay.md``.

A process of its own with its own keys and its own SQLite file: it signs, stores and notifies by code that OpenBerth
does not share, so that one mistake cannot cancel itself out.
"""
