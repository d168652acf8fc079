"""Bosch TPS110 parking lot sensors: the bytes of their LoRaWAN uplinks. Pure.

Port 1 is a change, port 2 a heartbeat (once a day): byte 0 is 1 for a car, byte 1 the temperature. Port 3 is a start:
12 bytes for the maker, the version of the firmware, why it started, and in bit 0 of the last byte whether a car is
there.
"""

from openberth.contexts.facility import Reading
from openberth.kernel.errors import Malformed

STATUS, HEARTBEAT, STARTUP = 1, 2, 3
_STARTUP_LENGTH = 17
_RESETS = {1: "watchdog", 2: "power on", 3: "request"}


def decode(sensor: str, port: int, data: bytes) -> Reading | None:
    """Return what an uplink says; None for a port that says nothing of cars. Raises ``Malformed``."""
    if port in (STATUS, HEARTBEAT):
        if not data:
            raise Malformed("device.malformed", where="data", why="no bytes")
        raw: dict[str, int | str] = {"port": port, "bytes": data.hex()}
        if len(data) > 1:
            raw["temperature"] = signed(data[1])
        return Reading(sensor, data[0] == 1, raw)
    if port == STARTUP:
        if len(data) < _STARTUP_LENGTH:
            raise Malformed("device.malformed", where="data", why="a start has 17 bytes")
        firmware = ".".join(str(each) for each in data[12:15])
        raw = {"port": port, "bytes": data.hex(), "firmware": firmware, "reset": _RESETS.get(data[15], str(data[15]))}
        return Reading(sensor, bool(data[16] & 1), raw)
    return None


def signed(byte: int) -> int:
    """Return a byte as a number from -128 to 127."""
    return byte - 256 if byte > 127 else byte
