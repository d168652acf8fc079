"""Sensors of spaces: one file for each wire and for each make's bytes, and the two ports that they come in by.

``geomagnetic`` and ``magnetic_port`` are the line of geomagnetic collectors; ``chirpstack`` with its decoders and
``space_camera`` push over HTTP to ``http_port``. All of them turn what they read into ``facility.Reading``.
"""
