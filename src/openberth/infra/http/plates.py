"""Plates as people write them."""

from openberth.infra.catalogue import Language, text
from openberth.kernel.errors import Malformed
from openberth.kernel.plates import InvalidPlate, Plate, PlateFault


def read_plate(written: str, language: Language) -> Plate:
    """Read a Chinese plate, otherwise any other. Raises ``Malformed("plate.malformed")`` with the reason in words.

    What begins like a Chinese plate is one with a mistake and not a foreign one.
    """
    try:
        return Plate.read(written)
    except InvalidPlate as error:
        fault = error.fault
    if fault is PlateFault.PROVINCE:
        try:
            return Plate.foreign(written)
        except InvalidPlate as error:
            fault = error.fault
    raise Malformed("plate.malformed", reason=text(f"plate.fault.{fault.value}", language))
