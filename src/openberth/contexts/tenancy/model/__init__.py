"""Permissions, roles and accounts as values. Pure."""
