"""Facility: what stands on the ground. Lots, nested areas, spaces, lanes, booths, devices and their commands.

Words: a *lot* is described by one file; its *areas* nest and count cars; a *lane* leads between areas or to the street
(entry, exit, inner); a *device* stands at a lane; a *command* tells a device to move a gate.
Invariants: a code identifies a thing inside its lot for ever; what disappears from the file is retired, never deleted;
applying a file twice changes nothing; a command ends once, is never repeated by itself, and accepted is not done; the
count of an area, its adjustment and its capacity are three numbers.
Events out: ``facility.lot_applied``, ``lot_state_changed``, ``occupancy_adjusted``, ``device_credentials_issued``,
``device_came``, ``device_lost``, ``command_issued``, ``command_ended``.
"""
