"""Use cases and queries of permits."""
