"""OpenBerth (泊位): software that runs places where a car stops."""

__version__ = "0.1.0"
