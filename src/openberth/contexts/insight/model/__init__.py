"""What insight knows of money: movements that events tell of, and what people ask about them. Pure."""
