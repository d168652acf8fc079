"""Tables and statements of payments."""

PAGE_MAX = 200
