"""Displays, voice and boards of free spaces at lanes: what they show, and the frames of their makers.

A display hangs on a serial port of the lane's camera, or its device draws the lines itself. A maker's file turns what a
lane shows into frames; ``ports`` is how frames reach devices that have a connection of their own.
"""
