"""Cars inside that look like the one at the exit: a help for the person who decides, never a match by itself."""

from openberth.contexts.stays.store import stays as store
from openberth.infra import vault
from openberth.infra.database import Reader
from openberth.kernel.ids import Id
from openberth.kernel.plates import Plate, nearest

SHOWN_MAX = 5
DISTANCE_MAX = 4


def similar_inside(reader: Reader, *, lot: Id, plate: Plate) -> list[tuple[Id, Plate]]:
    """Return open stays of a lot whose plate is close to this one, nearest first.

    Plates are opened in memory only. It takes milliseconds for a full lot, so it is for readers, never for a unit.
    """
    stays: dict[str, Id] = {}
    plates: list[Plate] = []
    for stay, sealed in reader.all(store.PLATES_INSIDE, lot=lot):
        text = vault.open_sealed(reader, sealed)
        stays[text] = stay
        plates.append(Plate(text))
    found = nearest(plate, plates, DISTANCE_MAX)
    return [(stays[near.plate.text], near.plate) for near in found[:SHOWN_MAX]]
