"""Where we go out: one client per outside service, each behind a port of the context that needs it."""
