"""Use cases and queries of payments, one module per theme."""
