"""The tariff file: what an operator writes, read into a ``Tariff`` and back. Guide: ``docs/guides/lot-file.md``."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from openberth.contexts.tariffs.meter import price_text
from openberth.contexts.tariffs.model import (
    Cap,
    CapKind,
    Charge,
    Free,
    FreeMode,
    Quote,
    SecondsPolicy,
    Tariff,
    UnitRounding,
)
from openberth.infra.documents import (
    Amount,
    Between,
    Code,
    Currency,
    Document,
    Flaw,
    Names,
    Part,
    Whole,
    flaw,
    plain,
    read_document,
    schema_text,
)
from openberth.kernel.errors import Param
from openberth.kernel.money import MINOR_DIGITS, Money, Rate
from openberth.kernel.time import to_iso

FORMAT = "openberth/1"
DAY_MINUTES = 24 * 60

_Minutes = Annotated[Whole, Between(0, 7 * DAY_MINUTES)]
_Unit = Annotated[Whole, Between(1, 7 * DAY_MINUTES)]
_Grace = Annotated[Whole, Between(0, DAY_MINUTES)]


class FreePart(Part):
    """Minutes that cost nothing."""

    minutes: _Minutes
    mode: FreeMode = FreeMode.THRESHOLD


class ChargePart(Part):
    """The price of a unit of time, in major units with at most four digits after the point."""

    unit_minutes: _Unit
    price: Amount
    rounding: UnitRounding = UnitRounding.UP


class CapPart(Part):
    """The most that a span of time costs."""

    kind: CapKind
    amount: Amount


class TariffDocument(Document):
    """A tariff file."""

    tariff: Literal["openberth/1"] = Field(description="version of this format")
    code: Code
    company: Code
    name: Names
    currency: Currency
    free: FreePart = FreePart(minutes=0)
    charge: ChargePart
    caps: list[CapPart] = Field(default=[], max_length=8)
    seconds: SecondsPolicy = SecondsPolicy.TRUNCATE
    grace_after_payment_minutes: _Grace = 15

    def flaws(self) -> Iterable[Flaw]:
        """Find amounts the currency cannot hold, caps that cost nothing or say the same twice."""
        kinds: set[CapKind] = set()
        digits = MINOR_DIGITS[self.currency]
        for index, cap in enumerate(self.caps):
            if cap.kind in kinds:
                yield flaw(("caps", index, "kind"), "tariff.cap_twice", kind=cap.kind.value)
            kinds.add(cap.kind)
            if len(cap.amount.partition(".")[2]) > digits:
                yield flaw(("caps", index, "amount"), "tariff.digits", currency=self.currency, digits=digits)
            elif not Money.of(cap.amount, self.currency):
                yield flaw(("caps", index, "amount"), "tariff.cap_zero")


def tariff_of(document: TariffDocument) -> Tariff:
    """Return the tariff a document describes."""
    currency = document.currency
    return Tariff(
        code=document.code,
        company_code=document.company,
        name_zh=document.name.zh,
        name_en=document.name.en,
        currency=currency,
        charge=Charge(document.charge.unit_minutes, Rate.of(document.charge.price, currency), document.charge.rounding),
        free=Free(document.free.minutes, document.free.mode),
        caps=tuple(Cap(cap.kind, Money.of(cap.amount, currency)) for cap in document.caps),
        seconds=document.seconds,
        grace_after_payment_minutes=document.grace_after_payment_minutes,
    )


def document_of(tariff: Tariff) -> TariffDocument:
    """Return the document of a tariff, with everything written out."""
    return TariffDocument(
        tariff=FORMAT,
        code=tariff.code,
        company=tariff.company_code,
        name=Names(zh=tariff.name_zh, en=tariff.name_en),
        currency=tariff.currency,
        free=FreePart(minutes=tariff.free.minutes, mode=tariff.free.mode),
        charge=ChargePart(
            unit_minutes=tariff.charge.unit_minutes,
            price=price_text(tariff.charge.price),
            rounding=tariff.charge.rounding,
        ),
        caps=[CapPart(kind=cap.kind, amount=cap.amount.amount_text) for cap in tariff.caps],
        seconds=tariff.seconds,
        grace_after_payment_minutes=tariff.grace_after_payment_minutes,
    )


def read_tariff(text: str, *, name: str) -> Tariff:
    """Read a tariff file; ``name`` stands in the messages. Raises ``DocumentError``."""
    return tariff_of(read_document(text, TariffDocument, name=name))


def tariff_to_plain(tariff: Tariff) -> Mapping[str, Any]:
    """Return a tariff as JSON-able data in the keys of the file: how versions are stored and served."""
    return plain(document_of(tariff))


def tariff_from_plain(data: Mapping[str, Any]) -> Tariff:
    """Return the tariff that ``tariff_to_plain`` wrote."""
    return tariff_of(TariffDocument.model_validate(data))


def tariff_schema() -> str:
    """Return the JSON Schema of the tariff file."""
    return schema_text(TariffDocument, title="OpenBerth tariff file")


def money_to_plain(money: Money) -> dict[str, Param]:
    """Return money as the API writes it."""
    return {"minor": money.minor, "currency": money.currency}


def quote_to_plain(quote: Quote) -> dict[str, Any]:
    """Return a quote as JSON-able data: how bills keep it and the API answers it."""
    change = quote.next_change_at
    return {
        "total": money_to_plain(quote.total),
        "entered": to_iso(quote.entered),
        "until": to_iso(quote.until),
        "next_change_at": None if change is None else to_iso(change),
        "minutes": quote.minutes,
        "charged_minutes": quote.charged_minutes,
        "free_minutes": quote.free_minutes,
        "outside_minutes": quote.outside_minutes,
        "lines": [
            {
                "code": line.code,
                "params": dict(line.params),
                "minutes": line.minutes,
                "amount": money_to_plain(line.amount),
            }
            for line in quote.lines
        ],
    }
