"""Passages, stays, cases and the decisions at lanes as values and pure functions."""
