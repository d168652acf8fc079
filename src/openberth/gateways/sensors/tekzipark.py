"""Tekzitel TEKZIPARK sensors: the bytes of their LoRaWAN uplinks. Pure.

Byte 0 holds flags (from bit 7 down: occupied, -, battery good, obstructed, radar, no beacon, reset, keep-alive), byte 1
the temperature, byte 2 the number of the space; further bytes are beacons (port 1) or deflections of the field (port 2)
with a fault code in byte 9.
"""

from openberth.contexts.facility import Reading
from openberth.gateways.sensors.tps110 import signed
from openberth.kernel.errors import Malformed

PORTS = (1, 2)
OCCUPIED, BATTERY_GOOD, OBSTRUCTED, RADAR, NO_BEACON, RESET, KEEP_ALIVE = 0x80, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01
_LEAST = 3
_FAULT_AT = 9
_OBSTRUCTED_CONFIDENCE = 50  # something lies on it: radar and field may disagree


def decode(sensor: str, port: int, data: bytes) -> Reading | None:
    """Return what an uplink says; None for a port that says nothing of cars. Raises ``Malformed``."""
    if port not in PORTS:
        return None
    if len(data) < _LEAST:
        raise Malformed("device.malformed", where="data", why="3 bytes are the least")
    flags = data[0]
    raw: dict[str, int | str | bool | list[int]] = {
        "port": port, "bytes": data.hex(), "temperature": signed(data[1]), "parking_id": data[2],
        "radar": bool(flags & RADAR), "no_beacon": bool(flags & NO_BEACON), "reset": bool(flags & RESET),
        "keep_alive": bool(flags & KEEP_ALIVE),
    }  # fmt: skip
    fault = "obstructed" if flags & OBSTRUCTED else None
    if port == 1 and len(data) > _LEAST:
        raw["beacon_rssi"] = signed(data[3])
        raw["beacons"] = [int.from_bytes(data[at : at + 2], "big") for at in range(4, len(data) - 1, 2)]
    elif port == 2 and len(data) > 5:
        raw["deflection"] = [signed(each) for each in data[3:6]]
        if len(data) > _FAULT_AT and data[_FAULT_AT]:
            fault = f"code {data[_FAULT_AT]}"
    confidence = _OBSTRUCTED_CONFIDENCE if fault else 100
    return Reading(sensor, bool(flags & OCCUPIED), raw, confidence, None, not flags & BATTERY_GOOD, fault)
