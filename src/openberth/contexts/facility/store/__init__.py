"""Tables and statements of facility."""
