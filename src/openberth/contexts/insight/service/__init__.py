"""Use cases and queries of insight."""
