"""The marked spaces of a lot: cars that stand on them, and whatever looks at them."""

from collections.abc import Callable, Iterable, Mapping
from random import Random

Look = Callable[[str, bool], None]  # a space, and whether a car stands there now


class Ground:
    """Who stands where. A car takes any free space of the area that it is in; without one it stands in the way."""

    def __init__(self, spaces: Mapping[str, Iterable[str]]) -> None:
        self._free = {area: list(codes) for area, codes in spaces.items()}
        self._area = {code: area for area, codes in self._free.items() for code in codes}
        self._cars: dict[int, str] = {}
        self._lookers: list[Look] = []

    def look(self, looker: Look) -> None:
        """Be told of every space that is taken or left."""
        self._lookers.append(looker)

    def is_taken(self, space: str) -> bool:
        """Tell whether a car stands there."""
        return space in self._cars.values()

    def park(self, car: int, area: str, rng: Random) -> str | None:
        """Let a car stand in an area, having left where it was; returns its space, None when there is none."""
        self.leave(car)
        free = self._free.get(area)
        if not free:
            return None
        space = free.pop(rng.randrange(len(free)))
        self._cars[car] = space
        self._tell(space, taken=True)
        return space

    def leave(self, car: int) -> None:
        """Let a car drive off its space, if it stands on one."""
        space = self._cars.pop(car, None)
        if space is not None:
            self._free[self._area[space]].append(space)
            self._tell(space, taken=False)

    def _tell(self, space: str, *, taken: bool) -> None:
        for looker in self._lookers:
            looker(space, taken)
