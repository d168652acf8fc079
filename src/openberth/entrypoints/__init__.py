"""Thin starts: the server process and the command line."""
