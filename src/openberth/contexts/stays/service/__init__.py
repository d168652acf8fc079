"""Use cases and queries of stays."""
