"""What tells of a person, as normalised values that are masked wherever they could leak: identity number, phone, name.

Identity numbers follow GB 11643-1999 (公民身份号码): six digits of the region, the date of birth, a sequence of three,
and a check character by ISO 7064 MOD 11-2. Residence permits of people from Hong Kong, Macao and Taiwan have that
shape (regions 81, 82, 83); permanent residence cards of foreigners since 2023 begin with 9, the region and a number of
the nationality. Phones are kept as E.164 (ITU-T E.164: ``+``, country code, at most 15 digits); mobile phones of the
mainland have eleven digits that begin with 13 to 19 (电信网编号计划), and may be written without a country code.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from openberth.kernel.plates import PROVINCES

MAX_INPUT = 40  # characters looked at before anything is normalised
NAME_MAX = 60

# First two digits of GB/T 2260 (行政区划代码): provinces, and 81 to 83 of the residence permits.
REGIONS = frozenset((
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54,
    61, 62, 63, 64, 65, 71, 81, 82, 83,
))  # fmt: skip
_BORN_FIRST = 1850  # the standard's own example was born in 1880
_FOREIGNER = "9"
_CHECKS = "10X98765432"
_IDENTITY = re.compile(r"[1-9][0-9]{16}[0-9X]\Z")
_MOBILE = re.compile(r"1[3-9][0-9]{9}\Z")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}\Z")
MAINLAND = "+86"
_BLANKS = str.maketrans("", "", " \t-‐‑–—()\u00a0\u200b\u200c\u200d\ufeff")
_NAME_MARKS = " ·•‧・.'’-"


class PersonFault(StrEnum):
    """Why a text is no identity number, phone or name. The texts stand in the catalogue as ``person.fault.<code>``."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    SHAPE = "shape"
    REGION = "region"
    DATE = "date"
    CHECK = "check"
    COUNTRY = "country"
    CHARACTER = "character"


_SENTENCES = {
    PersonFault.EMPTY: "there is nothing in the text",
    PersonFault.TOO_LONG: "the text is too long",
    PersonFault.SHAPE: "it has too few or too many characters, or others than digits",
    PersonFault.REGION: "it begins with a region that does not exist",
    PersonFault.DATE: "the date of birth in it is none",
    PersonFault.CHECK: "its last character does not fit the others",
    PersonFault.COUNTRY: "a number outside the mainland begins with + and its country code",
    PersonFault.CHARACTER: "a character in it stands in no name",
}


class InvalidPerson(ValueError):
    """A text is not what it should be. Neither the message nor the exception holds the text, so it may be logged."""

    def __init__(self, fault: PersonFault) -> None:
        super().__init__(_SENTENCES[fault])
        self.fault = fault


@dataclass(frozen=True, slots=True, repr=False)
class IdentityNumber:
    """An identity number of 18 characters. ``repr`` and ``str`` are masked; ``text`` is what is sealed and hashed."""

    text: str

    def __post_init__(self) -> None:
        fault = _identity_fault(self.text)
        if fault is not None:
            raise InvalidPerson(fault)

    def __repr__(self) -> str:
        return f"IdentityNumber({self.masked})"

    __str__ = __repr__

    @classmethod
    def read(cls, text: str, *, today: date | None = None) -> "IdentityNumber":
        """Read an identity number in any usual spelling; ``today`` refuses one of somebody who is not yet born.

        Raises ``InvalidPerson``.
        """
        found = cls(_plain(text).upper())
        if today is not None and found.born > today:
            raise InvalidPerson(PersonFault.DATE)
        return found

    @property
    def born(self) -> date:
        """Return the date of birth."""
        return date(int(self.text[6:10]), int(self.text[10:12]), int(self.text[12:14]))

    @property
    def masked(self) -> str:
        """Return the text with birth and sequence hidden, e.g. ``1101**********002X``."""
        return masked_identity(self.text)


@dataclass(frozen=True, slots=True, repr=False)
class Phone:
    """A phone number as E.164, e.g. ``+8613800138000``. ``repr`` and ``str`` are masked."""

    text: str

    def __post_init__(self) -> None:
        if not _E164.match(self.text):
            raise InvalidPerson(PersonFault.SHAPE if self.text.startswith("+") else PersonFault.COUNTRY)
        if self.text.startswith(MAINLAND) and not _MOBILE.match(self.text, len(MAINLAND)):
            raise InvalidPerson(PersonFault.SHAPE)

    def __repr__(self) -> str:
        return f"Phone({self.masked})"

    __str__ = __repr__

    @classmethod
    def read(cls, text: str) -> "Phone":
        """Read a mobile number of the mainland in any usual spelling, or any other number with ``+`` or ``00``.

        Raises ``InvalidPerson``.
        """
        plain = _plain(text)
        if not plain.removeprefix("+").isdigit():
            raise InvalidPerson(PersonFault.SHAPE)
        if _MOBILE.match(plain):
            return cls(MAINLAND + plain)
        if plain.startswith("00"):
            return cls("+" + plain[2:])
        if plain.startswith("86") and _MOBILE.match(plain, 2):
            return cls("+" + plain)
        return cls(plain)

    @property
    def is_mainland(self) -> bool:
        """Tell whether it is a mobile phone of the mainland."""
        return self.text.startswith(MAINLAND)

    @property
    def masked(self) -> str:
        """Return the number as people know it with its middle hidden, e.g. ``138****8000``."""
        return masked_phone(self.text)


def read_name(text: str) -> str:
    """Return a person's name as it is kept: NFC, blanks tidied; letters, marks and what joins them, no digits.

    Raises ``InvalidPerson``.
    """
    if len(text) > 2 * NAME_MAX:
        raise InvalidPerson(PersonFault.TOO_LONG)
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    if not plain:
        raise InvalidPerson(PersonFault.EMPTY)
    if len(plain) > NAME_MAX:
        raise InvalidPerson(PersonFault.TOO_LONG)
    if not all(mark in _NAME_MARKS or unicodedata.category(mark)[0] in "LM" for mark in plain):
        raise InvalidPerson(PersonFault.CHARACTER)
    if not unicodedata.category(plain[0]).startswith("L"):
        raise InvalidPerson(PersonFault.CHARACTER)
    return plain


# -- masks: total functions, so that a row of an older shape is shown hidden and not as an error -----------------------


def masked_identity(text: str) -> str:
    """Return an identity number with all but its first and last four characters hidden."""
    return _hidden(text, 4, 4, least=10)


def masked_phone(text: str) -> str:
    """Return a phone number with at least four digits hidden; the mainland's country code is left out."""
    number = text.removeprefix(MAINLAND) if _MOBILE.match(text, len(MAINLAND)) else text
    head = 4 if number.startswith("+") else 3
    return _hidden(number, head, 4, least=4)


def masked_name(text: str) -> str:
    """Return a name as its first character and two stars, whatever its length, e.g. ``张**``; a single one hides."""
    return "**" if len(text) < 2 else text[0] + "**"


def masked_openid(text: str) -> str:
    """Return what a provider calls somebody, hidden but for its last three characters."""
    return "****" + (text[-3:] if len(text) > 10 else "")


def _hidden(text: str, head: int, tail: int, *, least: int) -> str:
    """Hide the middle, at least ``least`` characters of it; what is too short gives up its tail, then its head."""
    tail = min(tail, max(0, len(text) - head - least))
    head = min(head, max(0, len(text) - tail - least))
    return text[:head] + "*" * (len(text) - head - tail) + text[len(text) - tail :]


# -- free words: what people type into reasons although nobody asked ---------------------------------------------------

_SAID_IDENTITY = re.compile(r"(?<![0-9A-Za-z])([1-9]\d{3})\d{13}[\dXx](?![0-9A-Za-z])")
_SAID_MOBILE = re.compile(r"(?<![0-9A-Za-z])(1[3-9]\d)[ -]?\d{4}[ -]?(\d{4})(?![0-9A-Za-z])")
_SAID_MOBILE_86 = re.compile(r"(?<![0-9A-Za-z])(?:\+|00)?86[ -]?(1[3-9]\d)[ -]?\d{4}[ -]?(\d{4})(?![0-9A-Za-z])")
_SAID_PLATE = re.compile(rf"([{PROVINCES}][A-Z])[\s·.-]?([A-Z\d]{{2,3}})([A-Z\d]{{2}}[A-Z\d挂学警港澳])", re.IGNORECASE)


def masked_words(text: str) -> str:
    """Return words in which identity numbers, mobile numbers and plates are masked."""
    text = _SAID_IDENTITY.sub(lambda found: f"{found[1]}{'*' * 14}", text)
    text = _SAID_MOBILE_86.sub(r"\1****\2", text)
    text = _SAID_MOBILE.sub(r"\1****\2", text)
    return _SAID_PLATE.sub(lambda found: f"{found[1]}·{'*' * len(found[2])}{found[3]}", text)


def _plain(text: str) -> str:
    if len(text) > MAX_INPUT:
        raise InvalidPerson(PersonFault.TOO_LONG)
    plain = unicodedata.normalize("NFKC", text).translate(_BLANKS)
    if not plain:
        raise InvalidPerson(PersonFault.EMPTY)
    if not plain.isascii():
        raise InvalidPerson(PersonFault.SHAPE)
    return plain


def _identity_fault(text: str) -> PersonFault | None:
    if not text:
        return PersonFault.EMPTY
    if not _IDENTITY.match(text):
        return PersonFault.SHAPE
    region = text[1:3] if text.startswith(_FOREIGNER) else text[:2]
    if int(region) not in REGIONS:
        return PersonFault.REGION
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return PersonFault.DATE
    if born.year < _BORN_FIRST:
        return PersonFault.DATE
    return None if _check_of(text) == text[17] else PersonFault.CHECK


def _check_of(text: str) -> str:
    """Return the check character of 17 digits (ISO 7064 MOD 11-2): weights are powers of two modulo 11."""
    return _CHECKS[sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(text[:17])) % 11]
