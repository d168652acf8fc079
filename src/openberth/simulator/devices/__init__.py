"""Virtual devices: each an own client that speaks only its wire format."""
