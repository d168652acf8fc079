"""What tenancy needs from outside."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from openberth.contexts.tenancy.model.holding import About, Hindrance
from openberth.infra.database import Reader, Unit
from openberth.kernel.ids import Id
from openberth.kernel.time import Instant


class Keeper(Protocol):
    """A later context that holds something about people; asked when somebody wants to see it, or to be forgotten."""

    @property
    def name(self) -> str:
        """Return the name under which its part stands in an export."""
        ...

    def plates(self, reader: Reader, *, person: Id) -> Sequence[Id]:
        """Return the plates (vault ids) that it knows to be a person's own."""
        ...

    def locks(self, reader: Reader, *, about: About) -> Sequence[tuple[str, Id]]:
        """Return the locks under which nothing of somebody begins while it is being forgotten."""
        ...

    def held(self, reader: Reader, *, about: About, in_clear: bool) -> Sequence[Mapping[str, Any]]:
        """Return what it holds about somebody, as JSON-able values; plates masked unless ``in_clear``."""
        ...

    def hindrances(self, reader: Reader, *, about: About) -> Sequence[Hindrance]:
        """Return what stands in the way of forgetting somebody."""
        ...

    def forget(self, unit: Unit, *, about: About) -> Mapping[str, int]:
        """Remove what no law retains; return how much of what."""
        ...

    def needed_until(self, reader: Reader, *, plate: Id) -> Instant | None:
        """Return until when it needs a plate in clear (machine time), None when it does not."""
        ...


class Vouching(Protocol):
    """A platform that vouches for its users: WeChat, by codes that a mini-program hands over.

    Raises ``Unknown("wechat.code")`` for a code that is wrong, used or old, and ``Overloaded("wechat.busy")``.
    """

    async def openid_of(self, code: str) -> str:
        """Return who a login code stands for, as ``appid:openid``: openids differ per mini-program."""
        ...

    async def phone_of(self, code: str) -> str:
        """Return the phone number that a phone code stands for, with its country code, e.g. ``+8613800138000``."""
        ...


class Texting(Protocol):
    """Sends short messages. Bounded in time; a call is never repeated by itself.

    Raises ``Refused`` when nothing was sent (``sms.number``, ``sms.limit``, ``sms.refused``), and
    ``Overloaded("sms.busy")`` when nobody knows.
    """

    async def send_code(self, phone: str, code: str) -> None:
        """Send a code to a mobile phone of the mainland, given as ``+8613800138000``."""
        ...
