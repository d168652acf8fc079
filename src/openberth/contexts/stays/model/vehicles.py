"""What a plate tells of the vehicle that carries it: colour, new energy, size. Nothing is guessed; the rest is None.

Colours of plates follow GA 36-2018: blue on small cars, yellow on large ones, green on small new-energy vehicles,
yellow and green on large ones, black on embassies' and on cars from Hong Kong and Macao, white on police and military.
"""

from collections.abc import Mapping

from openberth.contexts.tariffs.model import Vehicle
from openberth.kernel.plates import PlateKind

SMALL, LARGE = "small", "large"

_NEW_ENERGY = frozenset({PlateKind.NEW_ENERGY_SMALL, PlateKind.NEW_ENERGY_LARGE})
_SAY_NOTHING = frozenset({PlateKind.OTHER, PlateKind.UNLICENSED, PlateKind.TEMPORARY})
_COLOURS: Mapping[PlateKind, str] = {
    PlateKind.NEW_ENERGY_SMALL: "green",
    PlateKind.NEW_ENERGY_LARGE: "yellow_green",
    PlateKind.TRAINING: "yellow",
    PlateKind.TRAILER: "yellow",
    PlateKind.HONG_KONG: "black",
    PlateKind.MACAO: "black",
    PlateKind.EMBASSY: "black",
    PlateKind.CONSULATE: "black",
    PlateKind.AVIATION: "green",
    PlateKind.POLICE: "white",
    PlateKind.ARMED_POLICE: "white",
    PlateKind.MILITARY: "white",
    PlateKind.EMERGENCY: "white",
}
_SIZES: Mapping[str, str] = {"blue": SMALL, "green": SMALL, "yellow": LARGE, "yellow_green": LARGE}
_OF_ANY_SIZE = frozenset({PlateKind.TRAINING, PlateKind.AVIATION})  # their colour says what they do, not how big


def vehicle_of(plate_kind: str, colour: str | None) -> Vehicle:
    """Return what is known of a vehicle by its plate: the kind by its text and the colour a camera saw, if any."""
    kind = PlateKind(plate_kind) if plate_kind else PlateKind.UNLICENSED
    seen = colour or _COLOURS.get(kind)
    size = None if kind in _OF_ANY_SIZE else _SIZES.get(seen or "")
    if kind is PlateKind.NEW_ENERGY_LARGE or kind is PlateKind.TRAILER:
        size = LARGE
    return Vehicle(seen, _new_energy(kind, seen), size)


def _new_energy(kind: PlateKind, colour: str | None) -> bool | None:
    if kind in _NEW_ENERGY:
        return True
    # A green plate of another shape has lost a character, as a rule the province: it says neither yes nor no.
    doubtful = colour in ("green", "yellow_green") and kind is not PlateKind.AVIATION
    return None if doubtful or kind in _SAY_NOTHING else False
