"""The demo: ``place`` and ``children`` set it up, ``town`` lives, ``show`` tells, ``command`` is what people call."""
