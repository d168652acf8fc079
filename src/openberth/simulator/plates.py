"""Plates for the virtual cars: unique, in the usual shapes and shares, and how a camera may misread one.

Shapes after GA 36-2018 (中华人民共和国机动车号牌): blue with seven characters, new energy with eight, and a few others.
"""

from random import Random
from typing import NamedTuple

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # never I and O
SIGNS = LETTERS + "0123456789"
LOOKALIKES = ("0DQ", "1LT", "8B", "2Z", "5S", "6G", "UV")
UNREAD = "_无_"

_HOME = "粤"  # most cars come from here
_TRIES = 1_000


class CarPlate(NamedTuple):
    """A plate with the codes by which a Vzenith camera reports it."""

    text: str
    colour: int  # 1 blue, 2 yellow, 3 white, 4 black, 5 green
    type: int  # 1 blue, 3 yellow single row, 11 Hong Kong, 13 training, 19 new energy


class PlateMint:
    """Makes plates that no other car of this run has, and misreadings that are nobody's plate."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._given: set[str] = set()

    def reserve(self, text: str) -> None:
        """Keep a plate that exists already (a permit) from being given to a car."""
        self._given.add(text)

    def plate(self) -> CarPlate:
        """Return a new plate."""
        for _ in range(_TRIES):
            plate = self._draw()
            if plate.text not in self._given:
                self._given.add(plate.text)
                return plate
        raise RuntimeError("the town has run out of plates")

    def misread(self, text: str, rng: Random) -> str | None:
        """Return the plate with one similar character wrong; None when it has none that could be taken for another."""
        options = []
        for index, sign in enumerate(text[2:], 2):
            for family in LOOKALIKES:
                if sign in family:
                    options += [text[:index] + other + text[index + 1 :] for other in family if other != sign]
        options = [option for option in options if option not in self._given and _looks_real(option)]
        if not options:
            return None
        wrong = rng.choice(options)
        self._given.add(wrong)
        return wrong

    def _draw(self) -> CarPlate:
        rng = self._rng
        province = _HOME if rng.random() < 0.7 else rng.choice(PROVINCES)
        head = province + rng.choice(LETTERS[:-1])  # Z belongs to Hong Kong and Macao
        kind = rng.random()
        if kind < 0.62:
            return CarPlate(head + _serial(rng), 1, 1)
        if kind < 0.92:
            digits = "".join(rng.choices("0123456789", k=4))
            return CarPlate(head + rng.choice("ABCDEFGHJK") + rng.choice(SIGNS) + digits, 5, 19)
        if kind < 0.96:
            return CarPlate(head + _serial(rng), 2, 3)
        if kind < 0.98:
            return CarPlate("粤Z" + "".join(rng.choices(SIGNS, k=4)) + "港", 4, 11)
        return CarPlate(head + "".join(rng.choices(SIGNS, k=4)) + "学", 2, 13)


def _serial(rng: Random) -> str:
    """Five signs, mostly digits, at most two letters as GA 36 has it."""
    signs = rng.choices("0123456789", k=5)
    for index in rng.sample(range(5), rng.choice((0, 0, 1, 1, 2))):
        signs[index] = rng.choice(LETTERS)
    return "".join(signs)


def _looks_real(text: str) -> bool:
    """Whether a misreading still has a Chinese plate's shape; a camera's own filter would drop any other."""
    if len(text) == 8:
        return text[2] in "ABCDEFGHJK" and text[4:].isdigit()
    return all(sign in SIGNS for sign in text[1:6])
