"""Reading contracts with WeChat Pay.

``params``: ``appid``, ``mchid``, ``serial_no`` (of the merchant's certificate), for a service provider ``sub_mchid``
and perhaps ``sub_appid``; ``public_key_id`` and ``public_key`` of merchants that have WeChat Pay's public key (all new
ones since 2024-09), else the platform's certificates are fetched; ``url`` for a sandbox. ``secrets``: ``private_key``
(PEM) and ``api_v3_key`` (32 characters). For pages inside WeChat's own browser also the official account by which
payers are known: ``oauth_app_id``, which is the app that orders name, with the secret ``oauth_secret``; ``oauth_url``
for a sandbox.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from openberth.contexts.payments.ports import ChannelSpec
from openberth.kernel.errors import Malformed
from openberth.kernel.time import Clock
from openberth.providers import contracts
from openberth.providers.wechatpay import signing
from openberth.providers.wechatpay.channel import Merchant, WechatPay
from openberth.providers.wechatpay.client import PUBLIC_KEY_PREFIX, Client, Identity
from openberth.providers.wechatpay.payers import OfficialAccount

URL = "https://api.mch.weixin.qq.com"
_PARAMS = (
    "appid", "mchid", "serial_no", "sub_mchid", "sub_appid", "public_key_id", "public_key", "url", "oauth_app_id",
    "oauth_url",
)  # fmt: skip
_SECRETS = ("private_key", "api_v3_key", "oauth_secret")
_OAUTH_SECRET = re.compile(r"[0-9A-Za-z]{16,64}")
_MCHID, _APPID, _SERIAL = re.compile(r"[0-9]{6,32}"), re.compile(r"wx[0-9a-z]{8,30}"), re.compile(r"[0-9A-F]{16,64}")
PEM_MAX = 3_000


class WechatPayMaker:
    """Makes the channels of contracts with WeChat Pay."""

    def __init__(self, clock: Clock, nonces: Callable[[], str]) -> None:
        self._clock = clock
        self._nonces = nonces

    def check(self, params: Mapping[str, Any], secrets: Mapping[str, str], *, production: bool) -> None:
        """Refuse what no channel can be made of; see ``ChannelMaker``."""
        contracts.only(_PARAMS, params)
        contracts.only(_SECRETS, secrets)
        contracts.web_address(params, "url", default=URL, production=production)
        for name, pattern in (("mchid", _MCHID), ("appid", _APPID), ("serial_no", _SERIAL)):
            _fits(params, name, pattern)
        for name, pattern in (("sub_mchid", _MCHID), ("sub_appid", _APPID)):
            if name in params:
                _fits(params, name, pattern)
        if "sub_appid" in params and "sub_mchid" not in params:
            raise contracts.wrong("sub_mchid", "missing")
        if ("public_key_id" in params) != ("public_key" in params):
            raise contracts.wrong("public_key", "key and id belong together")
        if "public_key_id" in params and not contracts.text(params, "public_key_id").startswith(PUBLIC_KEY_PREFIX):
            raise contracts.wrong("public_key_id", f"{PUBLIC_KEY_PREFIX}…")
        if len(contracts.text(secrets, "api_v3_key").encode()) != signing.API_KEY_BYTES:
            raise contracts.wrong("api_v3_key", "32 characters")
        if production and contracts.is_published(secrets["api_v3_key"]):
            raise Malformed("channel.sandbox_key", setting="api_v3_key")
        key = contracts.key(
            "private_key", lambda: signing.private_key_of(contracts.text(secrets, "private_key", longest=PEM_MAX))
        )
        if production and contracts.is_published(signing.public_bytes(key)):
            raise Malformed("channel.sandbox_key", setting="private_key")
        if "public_key" in params:
            contracts.key(
                "public_key", lambda: signing.public_key_of(contracts.text(params, "public_key", longest=PEM_MAX))
            )
        _check_account(params, secrets, production=production)

    def make(self, spec: ChannelSpec) -> WechatPay:
        """Return the channel of a contract."""
        params, secrets = spec.params, spec.secrets
        merchant = _merchant(params)
        identity = Identity(
            merchant.mchid, params["serial_no"], signing.private_key_of(secrets["private_key"]),
            secrets["api_v3_key"].encode(),
        )  # fmt: skip
        keys = {}
        if "public_key_id" in params:
            keys[params["public_key_id"]] = signing.public_key_of(params["public_key"])
        url = contracts.web_address(params, "url", default=URL, production=False)
        client = Client(base_url=url, identity=identity, keys=keys, clock=self._clock, nonces=self._nonces)
        return WechatPay(
            client=client, identity=identity, merchant=merchant, notify_url=spec.notify_url, clock=self._clock,
            nonces=self._nonces, payers=_account(params, secrets),
        )  # fmt: skip


def _merchant(params: Mapping[str, Any]) -> Merchant:
    return Merchant(params["appid"], params["mchid"], params.get("sub_mchid"), params.get("sub_appid"))


def _check_account(params: Mapping[str, Any], secrets: Mapping[str, str], *, production: bool) -> None:
    """Refuse half an official account, and one that is not the app that orders name: its openids pay nothing there."""
    if "oauth_app_id" not in params:
        for name in ("oauth_url", "oauth_secret"):
            if name in params or name in secrets:
                raise contracts.wrong("oauth_app_id", "missing")
        return
    if contracts.text(params, "oauth_app_id") != _merchant(params).app_of_payers:
        raise contracts.wrong("oauth_app_id", "the sub_appid or appid of this contract")
    _fits(secrets, "oauth_secret", _OAUTH_SECRET)
    if "oauth_url" in params:
        contracts.web_address(params, "oauth_url", production=production)


def _account(params: Mapping[str, Any], secrets: Mapping[str, str]) -> OfficialAccount | None:
    if "oauth_app_id" not in params:
        return None
    url = contracts.web_address(params, "oauth_url", production=False) if "oauth_url" in params else None
    return OfficialAccount(appid=params["oauth_app_id"], secret=secrets["oauth_secret"], url=url)


def _fits(params: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> None:
    if pattern.fullmatch(contracts.text(params, name)) is None:
        raise contracts.wrong(name, pattern.pattern)
