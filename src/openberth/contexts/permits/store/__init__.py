"""Tables and statements of permits."""
