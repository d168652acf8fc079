"""What the open platform's web site does: registering apps, their keys and certificates, authorising providers."""

import re
import secrets
from typing import Any

import msgspec

from openberth.sandbox.alipay import crypto
from openberth.sandbox.alipay.bank import Bank
from openberth.sandbox.alipay.records import App, Ids, Mode, Token
from openberth.sandbox.clock import SECOND_US

ROOT = "sandbox root"


class Registration(msgspec.Struct, forbid_unknown_fields=True):
    """What an app is registered with. Without a key of its own, one is made and handed over once."""

    app_id: str
    pid: str
    mode: Mode = "key"
    public_key: str | None = None  # PEM
    mini_apps: list[str] = []
    ids: Ids = "open_id"
    fee_e4: int = 60
    served_only: bool = False  # is acted for by its provider and signs nothing itself
    provider: str | None = None  # app_id of a provider that it authorises at once


class Apps:
    """Registers apps and authorises providers."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def register(self, wanted: Registration) -> dict[str, Any]:
        """Register an app, or a known one anew; return all that its owner has to know. Raises ``ValueError``."""
        if re.fullmatch(r"[0-9]{16}", wanted.app_id) is None or re.fullmatch(r"2088[0-9]{12}", wanted.pid) is None:
            raise ValueError("an app has 16 digits, an account 16 that begin with 2088")
        if not 0 <= wanted.fee_e4 <= 600:
            raise ValueError("fee_e4 lies between 0 and 600 ten-thousandths")
        if wanted.provider is not None and wanted.provider not in self._bank.apps:
            raise ValueError("there is no such provider")
        told: dict[str, Any] = {"app_id": wanted.app_id, "pid": wanted.pid, "mode": wanted.mode}
        app = App(
            app_id=wanted.app_id, pid=wanted.pid, public_key="", alipay_key="",
            mode=wanted.mode, mini_apps=wanted.mini_apps, ids=wanted.ids, fee_e4=wanted.fee_e4,
        )  # fmt: skip
        if not wanted.served_only:
            told |= self._keys(app, wanted)
        self._bank.store.save_app(app)
        self._bank.apps[app.app_id] = app
        if wanted.provider is not None:
            told["app_auth_token"] = self.authorise(wanted.provider, wanted.app_id, None).token
        return told

    def _keys(self, app: App, wanted: Registration) -> dict[str, str | None]:
        """Set the keys of both sides; return what the owner has to know of them."""
        alipay = crypto.new_key()
        app.alipay_key, alipay_public = crypto.private_pem(alipay), crypto.public_pem(alipay.public_key())
        told: dict[str, str | None] = {"alipay_public_key": alipay_public}
        if wanted.public_key is None:
            private = crypto.new_key()
            told["private_key"] = crypto.private_pem(private)
            app.public_key = crypto.public_pem(private.public_key())
        else:
            app.public_key = crypto.public_pem(crypto.read_public(wanted.public_key))
        if wanted.mode == "certificate":
            app.public_key = self._certificate(app.public_key, f"{wanted.pid}-{wanted.app_id}")
            app.alipay_certificate = self._certificate(alipay_public, "alipay")
            told |= {
                "app_certificate": app.public_key, "alipay_certificate": app.alipay_certificate,
                "root_certificate": self._bank.store.meta("root_certificate"),
            }  # fmt: skip
        return told

    def _certificate(self, public_key: str, name: str) -> str:
        # Clients judge a certificate by the machine's time, as they judge everything about keys.
        now, store = self._bank.clock.machine_s(), self._bank.store
        kept = store.meta("root_key")
        root = crypto.new_key() if kept is None else crypto.read_private(kept)
        if kept is None:
            store.put_meta("root_key", crypto.private_pem(root))
            store.put_meta("root_certificate", crypto.certificate(root.public_key(), ROOT, root, ROOT, now))
        return crypto.certificate(crypto.read_public(public_key), name, root, ROOT, now)

    def authorise(self, provider: str, app_id: str, life_s: int | None) -> Token:
        """Let a provider act for a merchant's app, for so much business time or for ever. Raises ``ValueError``."""
        if provider not in self._bank.apps or app_id not in self._bank.apps or provider == app_id:
            raise ValueError("both apps must be registered, and be two")
        until = None if life_s is None else self._bank.clock.now() + life_s * SECOND_US
        token = Token(token=f"{secrets.token_hex(19)}", provider=provider, app=app_id, until_us=until)
        self._bank.store.save_token(token)
        self._bank.tokens[token.token] = token
        return token

    def restrict(self, app: App, restricted: bool) -> None:
        """Forbid an app to collect, or allow it again."""
        app.restricted = restricted
        self._bank.store.save_app(app)
