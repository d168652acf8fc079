"""Use cases and queries of tenancy, one module per theme."""
