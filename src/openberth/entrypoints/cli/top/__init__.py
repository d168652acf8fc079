"""The live view in a terminal: ``watch`` asks, ``model`` holds, ``frame`` draws, ``command`` is what people call."""
