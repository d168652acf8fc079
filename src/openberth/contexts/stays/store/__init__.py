"""Tables and statements of stays."""
