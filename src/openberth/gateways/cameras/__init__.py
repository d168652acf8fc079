"""Cameras that read plates: one file per maker, from what the camera pushes to the house's own values and back."""
