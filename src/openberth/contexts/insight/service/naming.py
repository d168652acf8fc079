"""What the things in an answer are called when it is read. What the caller may not see goes by its id."""

from collections.abc import Callable, Mapping
from functools import cached_property

from openberth.contexts import facility, payments, tariffs, tenancy
from openberth.contexts.insight.model.finance import Dimension, Name, Value, period_name
from openberth.contexts.insight.model.movements import NOBODY, NOTHING
from openberth.contexts.insight.store import rows as store
from openberth.infra.database import Reader
from openberth.kernel.ids import Id

DAYS_FROM = 1_000_000  # periods below are months


class Names:
    """The names of one answer; each list is read once, and only when it is asked for."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._tariffs: dict[Value, str] = {}
        self._operators: dict[Value, Name | None] = {}

    def teller(self, dimension: Dimension) -> Callable[[Value], Name | None]:
        """Return what tells the name of a dimension from the column it is read of."""
        tellers: dict[Dimension, Callable[[Value], Name | None]] = {
            Dimension.PARTNER: self._partner, Dimension.COMPANY: self._company, Dimension.LOT: self._lot,
            Dimension.CHANNEL: self._channel, Dimension.METHOD: _word, Dimension.TARIFF: self._tariff,
            Dimension.OPERATOR: self._operator, Dimension.DAY: _day, Dimension.MONTH: _month,
        }  # fmt: skip
        return tellers[dimension]

    def partner_of(self, company: Value) -> Id | None:
        """Return the partner of a company, as it is today."""
        found = self._companies.get(company)
        return None if found is None else found.partner

    def tariff_code(self, version: Value) -> str:
        """Return the code of a version's tariff, its id for one that cannot be seen, nothing for none."""
        if version not in self._tariffs:
            assert isinstance(version, Id)
            found = None if version == NOTHING else tariffs.version(self._reader, version=version)
            unseen = "" if version == NOTHING else str(version)
            self._tariffs[version] = unseen if found is None else found.code
        return self._tariffs[version]

    def _partner(self, company: Value) -> Name | None:
        partner = self.partner_of(company)
        found = None if partner is None else self._partners.get(partner)
        return found or (None if partner is None else Name(str(partner)))

    def _company(self, company: Value) -> Name:
        found = self._companies.get(company)
        return Name(str(company)) if found is None else Name(found.code, found.name, found.name_en)

    def _lot(self, lot: Value) -> Name:
        return self._lots.get(lot) or self._lots_before.get(lot) or Name(str(lot))

    def _channel(self, channel: Value) -> Name | None:
        return None if channel == NOTHING else self._channels.get(channel) or Name(str(channel))

    def _tariff(self, version: Value) -> Name | None:
        code = self.tariff_code(version)
        return Name(code) if code else None

    def _operator(self, operator: Value) -> Name | None:
        if operator not in self._operators:
            login = tenancy.login_of(self._reader, name=str(operator))
            word = str(operator)
            self._operators[operator] = None if operator == NOBODY else Name(word, login or word, login or word)
        return self._operators[operator]

    @cached_property
    def _companies(self) -> Mapping[Value, tenancy.Company]:
        return {one.id: one for one in tenancy.companies(self._reader)}

    @cached_property
    def _partners(self) -> Mapping[Value, Name]:
        return {one.id: Name(one.code, one.name, one.name_en) for one in tenancy.partners(self._reader)}

    @cached_property
    def _lots(self) -> Mapping[Value, Name]:
        return {one.id: Name(one.code, one.name_zh, one.name_en) for one in facility.lots(self._reader)}

    @cached_property
    def _lots_before(self) -> Mapping[Value, Name]:
        """The codes of lots that have gone to another company, as this one knew them."""
        return {one.lot: Name(one.code) for one in self._reader.all(store.LOTS_KNOWN)}

    @cached_property
    def _channels(self) -> Mapping[Value, Name]:
        return {
            one.id: Name(str(one.id), f"{one.name} ({one.kind.value})", f"{one.name} ({one.kind.value})")
            for one in payments.channel_accounts(self._reader)
        }


def _word(value: Value) -> Name | None:
    return Name(str(value)) if value else None


def _day(period: Value) -> Name:
    return Name(period_name(int(str(period))))


def _month(period: Value) -> Name:
    number = int(str(period))
    return Name(period_name(number // 100 if number > DAYS_FROM else number))
