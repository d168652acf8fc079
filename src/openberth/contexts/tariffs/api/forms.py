"""What the routes of prices take: which tariff, for which vehicle, with which reliefs."""

from fractions import Fraction
from typing import Annotated

from pydantic import Field, StringConstraints

from openberth.contexts.tariffs.model import AgainstCaps, Relief, ReliefKind, Tariff, Vehicle
from openberth.infra.documents import Zone
from openberth.infra.http.asks import Code, Form, Moment, MoneyForm
from openberth.kernel.errors import Malformed
from openberth.kernel.money import Money
from openberth.kernel.time import Period

DOCUMENT_MAX = 256 * 1024
RELIEFS_MAX = 12
VISITS_MAX = 20
TAGS_MAX = 20
RELIEF_MINUTES_MAX = 62 * 24 * 60

Word = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Percent = Annotated[str, StringConstraints(pattern=r"^(100|[0-9]{1,2}(\.[0-9]{1,4})?)$")]
# The field that gives a relief its value, by kind.
_VALUE = {
    ReliefKind.MINUTES: "minutes", ReliefKind.UNTIL: "until", ReliefKind.PERIOD: "period",
    ReliefKind.AMOUNT: "amount", ReliefKind.PERCENT: "percent", ReliefKind.TARIFF: "tariff",
}  # fmt: skip


class VehicleForm(Form):
    """What is known of a vehicle; what is missing is unknown. ``colour`` is the plate's."""

    colour: Word | None = None
    new_energy: bool | None = None
    size: Word | None = None
    seats: Annotated[int, Field(ge=1, le=300)] | None = None
    disabled: bool = False
    spaces: Annotated[int, Field(ge=1, le=100)] = 1
    tags: Annotated[tuple[Word, ...], Field(max_length=TAGS_MAX)] = ()

    def value(self) -> Vehicle:
        """Return the vehicle."""
        return Vehicle(
            self.colour, self.new_energy, self.size, self.seats, self.disabled, self.spaces, frozenset(self.tags)
        )


class PeriodForm(Form):
    """A half-open span of time."""

    start: Moment
    end: Moment

    def value(self) -> Period:
        """Return the period. Raises ``Malformed("quote.period_order")``."""
        if self.end < self.start:
            raise Malformed("quote.period_order")
        return Period(self.start, self.end)


class ReliefForm(Form):
    """Something that lowers a price; the field of its kind is set. ``tariff`` is the code of a published one."""

    id: Word
    kind: ReliefKind
    source: Word = "coupon"
    group: Annotated[str, StringConstraints(max_length=40)] = ""
    minutes: Annotated[int, Field(ge=1, le=RELIEF_MINUTES_MAX)] | None = None
    until: Moment | None = None
    period: PeriodForm | None = None
    amount: MoneyForm | None = None
    percent: Percent | None = None
    tariff: Code | None = None
    caps: AgainstCaps = AgainstCaps.AFTER
    from_total: MoneyForm | None = None
    most: MoneyForm | None = None

    def value(self, currency: str, tariff: Tariff | None = None) -> Relief:
        """Return the relief; ``tariff`` is the one that ``tariff`` names. Raises ``Malformed``."""
        wanted = _VALUE.get(self.kind)
        if any((getattr(self, field) is not None) != (field == wanted) for field in _VALUE.values()):
            raise Malformed("quote.relief_value", relief=self.id, kind=self.kind.value, field=wanted or "-")
        return Relief(
            id=self.id, kind=self.kind, source=self.source, group=self.group, minutes=self.minutes or 0,
            until=self.until, period=self.period.value() if self.period else None,
            amount=_money(self.amount, currency), percent=Fraction(self.percent or 0), tariff=tariff, caps=self.caps,
            from_total=_money(self.from_total, currency), most=_money(self.most, currency),
        )  # fmt: skip


class AskForm(Form):
    """Which tariff: a published one by its ``tariff`` code (and ``number``, or the version in force at the entry), or
    the text of a tariff file as ``document``. ``zone`` is the lot's, for a tariff that names none;
    ``vehicle_class`` chooses a class of the tariff by its code instead of by the vehicle.
    """

    tariff: Code | None = None
    number: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    document: Annotated[str, StringConstraints(min_length=1, max_length=DOCUMENT_MAX)] | None = None
    zone: Zone | None = None
    vehicle: VehicleForm = VehicleForm()
    vehicle_class: Code | None = None
    entered: Moment
    until: Moment


class QuoteForm(AskForm):
    """What a stay costs; it may go on after ``until``.

    ``visits`` are earlier stays of the vehicle under the same tariff, one after the other: what they used of free
    minutes that are given once and of caps across visits is gone.
    """

    reliefs: Annotated[tuple[ReliefForm, ...], Field(max_length=RELIEFS_MAX)] = ()
    visits: Annotated[tuple[PeriodForm, ...], Field(max_length=VISITS_MAX)] = ()


class CurveForm(AskForm):
    """What stays cost that begin at ``entered`` and end at any moment up to ``until``."""


def _money(form: MoneyForm | None, currency: str) -> Money | None:
    if form is None:
        return None
    if form.currency != currency:
        raise Malformed("quote.currency", expected=currency, found=form.currency)
    return Money(form.minor, form.currency)
