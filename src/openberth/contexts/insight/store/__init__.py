"""Tables and statements of insight."""
