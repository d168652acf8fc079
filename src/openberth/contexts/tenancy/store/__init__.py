"""Tables and statements of tenancy, one module per theme."""
