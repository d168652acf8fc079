"""Use cases and queries of facility."""
