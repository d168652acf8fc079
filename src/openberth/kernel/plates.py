"""Number plates as a normalised value, masked wherever they could leak, and the distance between two readings.

Shapes follow GA 36-2018 (中华人民共和国机动车号牌), the notice of the State Council's office on emergency rescue plates
(应急救援专用号牌, 2018-12), and the common forms of civil aviation, armed police and military plates. The text alone
decides the kind: one text is never two plates.

What a plate text cannot tell: a new-energy plate whose province character was lost (``BD12345``) has the shape of a
military plate. Who grants rights by kind asks the colour as well.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"

MAX_INPUT = 40  # characters looked at before anything is normalised
_SEPARATORS = " \t\r\n.-_·•・‧∙⋅●‐‑‒–—―\u200b\u200c\u200d\ufeff"
_TRADITIONAL = "滬遼黑魯蘇贛晉陝閩貴粵雲寧瓊學領掛應臨試"
_SIMPLIFIED = "沪辽黑鲁苏赣晋陕闽贵粤云宁琼学领挂应临试"
_TIDY = str.maketrans(_TRADITIONAL, _SIMPLIFIED, _SEPARATORS)

_PASSPORT_MARK = "@"  # can never be the first character of a normalised plate
_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,64}\Z")


class PlateKind(StrEnum):
    """What a plate is, by its shape."""

    ORDINARY = "ordinary"
    NEW_ENERGY_SMALL = "new_energy_small"
    NEW_ENERGY_LARGE = "new_energy_large"
    TRAINING = "training"  # 学
    POLICE = "police"  # 警
    TRAILER = "trailer"  # 挂
    HONG_KONG = "hong_kong"
    MACAO = "macao"
    EMBASSY = "embassy"  # 使
    CONSULATE = "consulate"  # 领
    EMERGENCY = "emergency"  # 应急
    AVIATION = "aviation"  # 民航
    ARMED_POLICE = "armed_police"  # WJ
    MILITARY = "military"
    TEMPORARY = "temporary"  # 临, 试, 超
    AGRICULTURAL = "agricultural"
    OTHER = "other"  # foreign or unknown, taken as it is
    UNLICENSED = "unlicensed"  # a passport, not a plate


class PlateFault(StrEnum):
    """Why a text is not a plate."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    CHARACTER = "character"
    LETTER_I_O = "letter_i_o"
    PROVINCE = "province"
    LENGTH = "length"
    SHAPE = "shape"
    TOKEN = "token"  # noqa: S105 - the name of a reason, not a secret


_SENTENCES = {
    PlateFault.EMPTY: "there is no plate in the text",
    PlateFault.TOO_LONG: "the text is too long for a plate",
    PlateFault.CHARACTER: "a character in it never stands on a plate",
    PlateFault.LETTER_I_O: "the letters I and O are not used on Chinese plates; 1 and 0 are",
    PlateFault.PROVINCE: "it does not begin as Chinese plates do; a foreign plate must be said to be one",
    PlateFault.LENGTH: "it has too few or too many characters",
    PlateFault.SHAPE: "letters and digits do not stand where Chinese plates have them",
    PlateFault.TOKEN: "a passport has 8 to 64 of the characters A-Z a-z 0-9 _ -",
}


class InvalidPlate(ValueError):
    """A text is not a plate. Neither the message nor the exception holds the text, so it may be logged."""

    def __init__(self, fault: PlateFault) -> None:
        super().__init__(_SENTENCES[fault])
        self.fault = fault


_P = f"[{PROVINCES}]"
_L = "[A-HJ-NP-Z]"
_S = "[0-9A-HJ-NP-Z]"
_N = "[A-HJK]"  # D A B C E: battery electric; F G H J K: other new energy (GA 36-2018)
_SHAPES = {
    PlateKind.ORDINARY: f"{_P}{_L}{_S}{{5}}",
    PlateKind.NEW_ENERGY_SMALL: f"{_P}{_L}{_N}{_S}[0-9]{{4}}",
    PlateKind.NEW_ENERGY_LARGE: f"{_P}{_L}[0-9]{{5}}{_N}",
    PlateKind.TRAINING: f"{_P}{_L}{_S}{{4}}学",
    PlateKind.POLICE: f"{_P}{_L}{_S}{{4}}警",
    PlateKind.TRAILER: f"{_P}{_L}{_S}{{4}}挂",
    PlateKind.HONG_KONG: f"粤Z{_S}{{4}}港",
    PlateKind.MACAO: f"粤Z{_S}{{4}}澳",
    PlateKind.EMBASSY: f"使[0-9]{{3}}{_S}{{3}}",
    PlateKind.CONSULATE: f"{_P}{_S}[0-9]{{2}}{_S}{{2}}领",
    PlateKind.EMERGENCY: f"{_P}[XS0-9]{_S}{{4}}应急|应急{_P}{_S}{{3}}[XS]",
    PlateKind.AVIATION: f"民航{_S}{{5}}",
    PlateKind.ARMED_POLICE: f"WJ{_P}?[0-9]{{4}}{_S}",
    PlateKind.MILITARY: f"[VKHBSLJNGCEZQ]{_L}[0-9]{{5}}",
    PlateKind.TEMPORARY: f"{_P}{_L}{_S}{{4,5}}临|{_P}{_L}{_S}{{4}}[试超]",
    PlateKind.AGRICULTURAL: f"{_P}[0-9]{{7}}",
}
_CHINESE = re.compile("(?:" + "|".join(f"(?P<{kind.value}>{shape})" for kind, shape in _SHAPES.items()) + r")\Z")
_OLD_EMBASSY = re.compile(f"([0-9]{{3}}{_S}{{3}})使\\Z")
_ALLOWED = re.compile(r"[A-Z0-9一-鿿㐀-䶿]+\Z")
_FOREIGN = re.compile(r"(?=[^A-Z0-9]*[A-Z0-9])[A-Z0-9一-鿿㐀-䶿]{2,12}\Z")
_HEAD = re.compile(f"WJ{_P}?|民航|应急{_P}?|使|{_P}?{_L}|{_P}")


def normalised(text: str) -> str:
    """Return the text as plates are compared: NFKC, upper case, without blanks and dots, simplified characters.

    Embassy plates of the shape before 2018 (``224578使``) get the present one (``使224578``): it is the same car.
    """
    if len(text) > MAX_INPUT:
        raise InvalidPlate(PlateFault.TOO_LONG)
    plain = unicodedata.normalize("NFKC", text).upper().translate(_TIDY)
    if old := _OLD_EMBASSY.match(plain):
        return f"使{old[1]}"
    return plain


def _kind_of(text: str) -> PlateKind:
    if match := _CHINESE.match(text):
        return PlateKind(match.lastgroup or "")
    if text.startswith(_PASSPORT_MARK):
        if _TOKEN.match(text, 1):
            return PlateKind.UNLICENSED
        raise InvalidPlate(PlateFault.TOKEN)
    if _FOREIGN.match(text) and normalised(text) == text:
        return PlateKind.OTHER
    raise InvalidPlate(_foreign_fault(text))


def _foreign_fault(text: str) -> PlateFault:
    if not text:
        return PlateFault.EMPTY
    if len(text) > 12:
        return PlateFault.TOO_LONG
    if not _ALLOWED.match(text):
        return PlateFault.CHARACTER
    return PlateFault.LENGTH if len(text) < 2 else PlateFault.SHAPE


def _chinese_fault(text: str) -> PlateFault:
    if not text:
        return PlateFault.EMPTY
    if not _ALLOWED.match(text):
        return PlateFault.CHARACTER
    if text[0] not in PROVINCES and not text.startswith(("WJ", "使", "民航", "应急")):
        return PlateFault.PROVINCE
    if _CHINESE.match(text.replace("I", "1").replace("O", "0")):
        return PlateFault.LETTER_I_O
    return PlateFault.SHAPE if 7 <= len(text) <= 8 else PlateFault.LENGTH


@dataclass(frozen=True, slots=True, repr=False)
class Plate:
    """A plate, or the passport of a car without one.

    ``Plate(text)`` takes text that is already normalised (a vault row) and raises ``InvalidPlate`` otherwise; whatever
    comes from outside goes through ``read``, ``foreign`` or ``unlicensed``. ``repr`` and ``str`` are masked.
    """

    text: str
    kind: PlateKind = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", _kind_of(self.text))

    def __repr__(self) -> str:
        return f"Plate({self.masked})"

    __str__ = __repr__

    @classmethod
    def read(cls, text: str) -> "Plate":
        """Read a Chinese plate in any usual spelling; anything else raises ``InvalidPlate`` with the reason."""
        plain = normalised(text)
        if not _CHINESE.match(plain):
            raise InvalidPlate(_chinese_fault(plain))
        return cls(plain)

    @classmethod
    def foreign(cls, text: str) -> "Plate":
        """Read any plate: 2 to 12 letters, digits and Chinese characters, at least one of them a letter or digit.

        A text with a Chinese shape gets the kind of that shape, so that one car never has two identities.
        """
        plain = normalised(text)
        if plain.startswith(_PASSPORT_MARK):
            raise InvalidPlate(PlateFault.CHARACTER)
        return cls(plain)

    @classmethod
    def unlicensed(cls, token: str) -> "Plate":
        """Return the passport of a car without a readable plate; it equals no plate that could be read."""
        return cls(_PASSPORT_MARK + token)

    @property
    def key(self) -> str:
        """Return the identity: the text that is hashed to find the plate in the vault; ``Plate(key)`` gives it back."""
        return self.text

    @property
    def is_unlicensed(self) -> bool:
        """Tell whether this is a passport instead of a plate."""
        return self.kind is PlateKind.UNLICENSED

    @property
    def token(self) -> str:
        """Return the token of a passport; a real plate has none and raises ``ValueError``."""
        if not self.is_unlicensed:
            raise ValueError("only a passport has a token")
        return self.text[len(_PASSPORT_MARK) :]

    @property
    def is_new_energy(self) -> bool:
        """Tell whether the plate is one of the green eight-character ones."""
        return self.kind in (PlateKind.NEW_ENERGY_SMALL, PlateKind.NEW_ENERGY_LARGE)

    @property
    def pretty(self) -> str:
        """Return the whole text with the dot where people expect it, e.g. ``粤B·12345``, ``使224·578``."""
        if self.kind is PlateKind.EMBASSY:
            return f"{self.text[:4]}·{self.text[4:]}"
        head = self._head()
        return f"{self.text[:head]}·{self.text[head:]}" if head else self.text

    @property
    def masked(self) -> str:
        """Return the text with its middle hidden, e.g. ``粤B·**345``: at least two characters stay unknown."""
        if self.kind is PlateKind.UNLICENSED:
            return f"{_PASSPORT_MARK}****{self.text[-3:]}"
        size = len(self.text)
        if self.kind is PlateKind.OTHER:
            tail = 0 if size < 4 else min(3, size // 2)
            return "*" * (size - tail) + self.text[size - tail :]
        head = self._head()
        tail = min(3, size - head - 2)
        return f"{self.text[:head]}·{'*' * (size - head - tail)}{self.text[size - tail :]}"

    def _head(self) -> int:
        if self.kind in (PlateKind.OTHER, PlateKind.UNLICENSED):
            return 0
        if self.kind is PlateKind.MILITARY:
            return 2
        match = _HEAD.match(self.text)
        return match.end() if match else 0


CONFUSION = 1  # two characters that cameras and people take for one another
PROVINCE = 1  # a wrong or missing province character: cameras err there most
EDIT = 2  # any other character wrong, missing or too many
FAR = 1_000  # a passport is never near anything but itself

_LOOKALIKES = ("0DOQ", "1ILT", "8B", "2Z", "5S", "6G", "UV")
_SAME_FAMILY = frozenset(
    (one, other) for family in _LOOKALIKES for one in family for other in family if one != other
)  # the families are disjoint, so the costs obey the triangle inequality


class Near(NamedTuple):
    """A candidate with what it would cost to have misread it."""

    cost: int
    plate: Plate


def distance(a: Plate, b: Plate) -> int:
    """Return how far two readings lie apart, as a sum of ``CONFUSION``, ``PROVINCE`` and ``EDIT``; 0 is the same plate.

    A metric: symmetric, and no detour is shorter.
    """
    return _distance(a.text, b.text, FAR)


def nearest(plate: Plate, candidates: Iterable[Plate], limit: int) -> list[Near]:
    """Return the candidates at most ``limit`` away, the nearest first, equally near ones in their order."""
    text = plate.text
    found: list[Near] = []
    for candidate in candidates:
        cost = _distance(text, candidate.text, limit)
        if cost <= limit:
            found.append(Near(cost, candidate))
    found.sort(key=lambda near: near.cost)
    return found


def _distance(a: str, b: str, limit: int) -> int:
    """Return the distance, or any number above ``limit`` once it is known to lie above."""
    if a == b:
        return 0
    if a[0] == _PASSPORT_MARK or b[0] == _PASSPORT_MARK:
        return FAR
    province_a = a[0] if a[0] in PROVINCES else ""
    province_b = b[0] if b[0] in PROVINCES else ""
    cost = 0
    if province_a != province_b:
        cost = PROVINCE
    return cost + _edits(a[len(province_a) :], b[len(province_b) :], limit - cost)


def _edits(a: str, b: str, limit: int) -> int:
    # What both begin or end with costs nothing in any best alignment; most comparisons shrink to nothing here.
    start, end_a, end_b = 0, len(a), len(b)
    while start < end_a and start < end_b and a[start] == b[start]:
        start += 1
    while end_a > start and end_b > start and a[end_a - 1] == b[end_b - 1]:
        end_a -= 1
        end_b -= 1
    a, b = a[start:end_a], b[start:end_b]
    if not a or not b:
        return EDIT * (len(a) + len(b))
    if abs(len(a) - len(b)) * EDIT > limit:
        return limit + 1
    row = [EDIT * column for column in range(len(b) + 1)]
    for index, one in enumerate(a, 1):
        left = index * EDIT
        diagonal, row[0] = row[0], left
        best = left
        for column, other in enumerate(b, 1):
            above = row[column]
            cost = diagonal
            if one != other:
                cost += CONFUSION if (one, other) in _SAME_FAMILY else EDIT
            if above + EDIT < cost:
                cost = above + EDIT
            if left + EDIT < cost:
                cost = left + EDIT
            diagonal = above
            row[column] = left = cost
            if cost < best:
                best = cost
        if best > limit:
            return best
    return row[-1]
