"""Independent stand-ins for outside services: own keys, own store, no shared code, the real wire format."""
