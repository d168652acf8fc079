"""What tenancy needs from outside."""

from typing import Protocol


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
