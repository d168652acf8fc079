"""What the merchants' web site does: registering, keys of both sides, the switch from certificates to a public key."""

import re
import secrets
import string
from typing import Any

import msgspec

from openberth.sandbox.clock import DAY_US, SECOND_US
from openberth.sandbox.wechatpay import crypto
from openberth.sandbox.wechatpay.bank import Bank
from openberth.sandbox.wechatpay.records import Merchant, Mode, PlatformKey

MOST_KEYS = 10
_LETTERS = string.ascii_letters + string.digits


class Registration(msgspec.Struct, forbid_unknown_fields=True):
    """What a merchant is registered with. Without a key of its own, one is made and handed over once."""

    mchid: str
    appids: list[str] = []
    mode: Mode = "public_key"
    certificate: str | None = None  # PEM: the certificate, or a public key with ``serial``
    serial: str | None = None
    api_key: str | None = None
    providers: list[str] = []
    fee_e4: int = 60
    served_only: bool = False  # is acted for by its providers and signs nothing itself


class Merchants:
    """Registers merchants and changes their keys."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def register(self, wanted: Registration) -> dict[str, Any]:
        """Register a merchant, or a known one anew; return all that it has to know. Raises ``ValueError``."""
        if re.fullmatch(r"[0-9]{8,32}", wanted.mchid) is None:
            raise ValueError("a merchant's number has 8 to 32 digits")
        api_key = wanted.api_key if wanted.api_key is not None else _random(32)
        if api_key and (len(api_key) != 32 or not api_key.isascii()):
            raise ValueError("the APIv3 key has 32 ASCII characters")
        if not 0 <= wanted.fee_e4 <= 600:
            raise ValueError("fee_e4 lies between 0 and 600 ten-thousandths")
        told: dict[str, Any] = {"mchid": wanted.mchid, "appids": wanted.appids, "mode": wanted.mode, "api_key": api_key}
        keys: dict[str, str] = {}
        if not wanted.served_only:
            made = self._api_key(wanted)
            keys[made["serial"]] = made.pop("public_key")
            told |= made
        platform = [self._new_key(wanted.mchid, public=True)] if wanted.mode != "certificates" else []
        if wanted.mode != "public_key":
            platform.append(self._new_key(wanted.mchid, public=False))
        merchant = Merchant(
            mchid=wanted.mchid, appids=wanted.appids, api_key=api_key, keys=keys, mode=wanted.mode, platform=platform,
            providers=wanted.providers, fee_e4=wanted.fee_e4,
        )  # fmt: skip
        self._keep(merchant)
        return told | {"platform_keys": published(merchant)}

    def _api_key(self, wanted: Registration) -> dict[str, str]:
        if wanted.certificate is not None:
            key, serial = crypto.read_public(wanted.certificate)
            serial = serial or wanted.serial
            if serial is None:
                raise ValueError("a public key needs the serial number by which it is named")
            return {"serial": serial, "public_key": crypto.public_pem(key)}
        private, serial = crypto.new_key(), wanted.serial or crypto.new_serial()
        certificate = crypto.certificate(private, serial, wanted.mchid, self._bank.clock.machine_s())
        return {
            "serial": serial, "public_key": crypto.public_pem(private.public_key()),
            "private_key": crypto.private_pem(private), "certificate": certificate,
        }  # fmt: skip

    def _new_key(self, mchid: str, *, public: bool, signs: bool = True) -> PlatformKey:
        # Clients judge a certificate by the machine's time, as they judge signatures.
        key, serial, now = crypto.new_key(), crypto.new_serial(), self._bank.clock.machine_s() * SECOND_US
        return PlatformKey(
            id=f"PUB_KEY_ID_01{mchid[:10]}{secrets.randbelow(10**16):016d}" if public else serial,
            private=crypto.private_pem(key),
            certificate=None if public else crypto.certificate(key, serial, "Tenpay.com sign", now / SECOND_US),
            effective_us=now, expire_us=now + crypto.CERTIFICATE_DAYS * DAY_US, signs=signs,
        )  # fmt: skip

    def switch(self, merchant: Merchant, mode: Mode, percent: int) -> None:
        """Change how a merchant is answered; keys that the new way wants and that are missing are made."""
        if not 0 <= percent <= 100:
            raise ValueError("a percentage lies between 0 and 100")
        for public, needed in ((True, mode != "certificates"), (False, mode != "public_key")):
            if needed and not any((key.certificate is None) == public for key in merchant.platform):
                merchant.platform.append(self._new_key(merchant.mchid, public=public))
        merchant.mode, merchant.public_key_percent = mode, percent
        self._keep(merchant)

    def rotate(self, merchant: Merchant, *, public: bool, signs: bool) -> PlatformKey:
        """Make another key. Without ``signs`` it is only announced, and used when it is made to sign."""
        if len(merchant.platform) >= MOST_KEYS:
            raise ValueError(f"a merchant has at most {MOST_KEYS} keys; retire one")
        key = self._new_key(merchant.mchid, public=public, signs=signs)
        merchant.platform.append(key)
        self._keep(merchant)
        return key

    def use(self, merchant: Merchant, key_id: str) -> None:
        """Let an announced key sign from now on."""
        self._key(merchant, key_id).signs = True
        self._keep(merchant)

    def retire(self, merchant: Merchant, key_id: str) -> None:
        """Take a key away. One of its kind that signs must remain."""
        key = self._key(merchant, key_id)
        if not any(one.signs and one is not key and _kind(one) == _kind(key) for one in merchant.platform):
            raise ValueError("it is the last of its kind that signs")
        merchant.platform.remove(key)
        self._keep(merchant)

    def _key(self, merchant: Merchant, key_id: str) -> PlatformKey:
        for key in merchant.platform:
            if key.id == key_id:
                return key
        raise ValueError("there is no such key")

    def set(self, merchant: Merchant, *, restricted: bool, unusable: bool, api_key: str) -> None:
        """Change what a merchant may do, and its APIv3 key."""
        merchant.restricted, merchant.unusable, merchant.api_key = restricted, unusable, api_key
        self._keep(merchant)

    def _keep(self, merchant: Merchant) -> None:
        self._bank.store.save_merchant(merchant)
        self._bank.merchants[merchant.mchid] = merchant


def published(merchant: Merchant) -> list[dict[str, Any]]:
    """Return what a merchant may know of the channel's keys towards it."""
    return [
        {
            "id": key.id,
            "kind": _kind(key),
            "signs": key.signs,
            "public_key": crypto.public_pem(crypto.read_private(key.private).public_key()),
            **({"certificate": key.certificate} if key.certificate is not None else {}),
        }
        for key in merchant.platform
    ]


def _kind(key: PlatformKey) -> str:
    return "public_key" if key.certificate is None else "certificate"


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
