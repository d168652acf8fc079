"""The keys of a tariff file as a whole; ``file.TariffDocument`` adds the checks."""

from typing import Annotated, Literal

from pydantic import Field

from openberth.contexts.tariffs.document.parts import Body, ClassPart, Plans, RoundPart, TaxPart
from openberth.contexts.tariffs.model import DAY_MINUTES, BeyondCalendar, Choose, PriceChange, SecondsPolicy
from openberth.infra.documents import Between, Clock, Code, Currency, Document, Names, Whole, Zone

FORMAT = "openberth/1"

_Grace = Annotated[Whole, Between(0, DAY_MINUTES)]
_Reentry = Annotated[Whole, Between(0, 7 * DAY_MINUTES)]


class Head(Document):
    """What a tariff says beside its prices."""

    tariff: Literal["openberth/1"] = Field(description="version of this format")
    code: Code
    company: Code
    name: Names
    currency: Currency
    zone: Zone | None = None
    day_starts: Clock = "00:00"
    calendar: Code = "cn"
    beyond_calendar: BeyondCalendar = BeyondCalendar.REFUSE
    seconds: SecondsPolicy = SecondsPolicy.TRUNCATE
    price_change: PriceChange = PriceChange.ENTRY
    reentry_minutes: _Reentry = 0
    grace_after_payment_minutes: _Grace = 15
    tax: TaxPart | None = None
    round_total: RoundPart | None = None


class TariffKeys(Body, Head):
    """A tariff: a head, and either the body of its one plan or several plans; classes of vehicles beside them."""

    choose: Choose = Choose.CHEAPEST
    plans: Plans | None = None
    classes: Annotated[list[ClassPart], Field(max_length=32)] = Field(default=[])
