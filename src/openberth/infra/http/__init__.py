"""The HTTP kit: what every route needs and no business knows."""
