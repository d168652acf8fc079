"""Tables and statements of tariffs."""
