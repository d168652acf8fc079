"""Reading contracts with Alipay.

``params``: ``app_id``, ``seller_id`` (the merchant's 2088… number); in key mode ``alipay_public_key``, in certificate
mode ``app_cert``, ``alipay_cert`` (two of them while one follows another) and ``alipay_root_cert`` (PEM); perhaps
``code_product`` (``FACE_TO_FACE_PAYMENT``, or ``QR_CODE_OFFLINE``), ``op_app_id`` (the mini-program, where it is
another app), ``quit_url``, for a service provider ``sys_service_provider_id``, and ``url`` for a sandbox. ``secrets``:
``private_key`` (PEM, or as Alipay's tool writes it), for a service provider the merchant's ``app_auth_token``.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from openberth.contexts.payments.ports import ChannelSpec
from openberth.kernel.errors import Malformed
from openberth.kernel.time import Clock
from openberth.providers import contracts
from openberth.providers.alipay import signing
from openberth.providers.alipay.channel import Alipay, Merchant
from openberth.providers.alipay.client import GATEWAY, Client, Identity
from openberth.providers.alipay.signing import NAME, Trust

URL = "https://openapi.alipay.com"
SANDBOX = "alipaydev.com"  # Alipay's own, where no money is real
_CERTIFICATES = ("app_cert", "alipay_cert", "alipay_root_cert")
_PARAMS = (
    "app_id", "seller_id", "alipay_public_key", *_CERTIFICATES, "code_product", "op_app_id", "quit_url",
    "sys_service_provider_id", "url",
)  # fmt: skip
_SECRETS = ("private_key", "app_auth_token")
_APP, _SELLER = re.compile(r"[0-9]{10,32}", re.ASCII), re.compile(r"2088[0-9]{12}", re.ASCII)
_TOKEN = re.compile(r"[\x21-\x7e]{8,128}", re.ASCII)
CODE_PRODUCTS = ("FACE_TO_FACE_PAYMENT", "QR_CODE_OFFLINE")
PEM_MAX, BUNDLE_MAX = 4_000, 40_000


class AlipayMaker:
    """Makes the channels of contracts with Alipay."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def check(self, params: Mapping[str, Any], secrets: Mapping[str, str], *, production: bool) -> None:
        """Refuse what no channel can be made of; see ``ChannelMaker``."""
        contracts.only(_PARAMS, params)
        contracts.only(_SECRETS, secrets)
        url = contracts.web_address(params, "url", default=URL, production=production)
        if production and f".{urlsplit(url).hostname}".endswith(f".{SANDBOX}"):
            raise Malformed("channel.sandbox", channel=NAME)
        _fits(params, "app_id", _APP)
        _fits(params, "seller_id", _SELLER)
        for name, pattern in (("op_app_id", _APP), ("sys_service_provider_id", _SELLER)):
            if name in params:
                _fits(params, name, pattern)
        if "code_product" in params and params["code_product"] not in CODE_PRODUCTS:
            raise contracts.wrong("code_product", "|".join(CODE_PRODUCTS))
        if "quit_url" in params:
            contracts.web_address(params, "quit_url", production=False)
        if "app_auth_token" in secrets:
            _fits(secrets, "app_auth_token", _TOKEN)
        elif "sys_service_provider_id" in params:
            raise contracts.wrong("app_auth_token", "missing")
        _check_keys(params, secrets, production=production)

    def make(self, spec: ChannelSpec) -> Alipay:
        """Return the channel of a contract."""
        params, secrets = spec.params, spec.secrets
        merchant = Merchant(
            app_id=params["app_id"], seller_id=params["seller_id"],
            code_product=params.get("code_product", CODE_PRODUCTS[0]),
            mini_app=params.get("op_app_id", params["app_id"]), provider=params.get("sys_service_provider_id"),
            quit_url=params.get("quit_url") or _origin(spec.notify_url),
        )  # fmt: skip
        certificate = roots = None
        if "app_cert" in params:
            certificate = signing.certificate_of(params["app_cert"])[0]
            roots = signing.root_serial_of(params["alipay_root_cert"])
        identity = Identity(
            merchant.app_id, signing.private_key_of(secrets["private_key"]), secrets.get("app_auth_token"), certificate,
            roots,
        )  # fmt: skip
        trust = Trust(_theirs(params))
        url = contracts.web_address(params, "url", default=URL, production=False).removesuffix(GATEWAY)
        client = Client(base_url=url, identity=identity, trust=trust, clock=self._clock)
        return Alipay(client=client, merchant=merchant, trust=trust, notify_url=spec.notify_url, clock=self._clock)


def _check_keys(params: Mapping[str, Any], secrets: Mapping[str, str], *, production: bool) -> None:
    ours = contracts.key("private_key", lambda: signing.private_key_of(_pem(secrets, "private_key")))
    given = [name for name in _CERTIFICATES if name in params]
    if "alipay_public_key" in params and given:
        raise contracts.wrong(given[0], "either a key or certificates")
    for name in _CERTIFICATES if given else ("alipay_public_key",):
        contracts.text(params, name, longest=BUNDLE_MAX if given else PEM_MAX)
    if given:
        _check_certificates(params, ours)
    of_theirs = "alipay_cert" if given else "alipay_public_key"
    theirs = contracts.key(of_theirs, lambda: _theirs(params))
    if production and contracts.is_published(signing.public_bytes(ours)):
        raise Malformed("channel.sandbox_key", setting="private_key")
    for key in theirs.values():
        if production and contracts.is_published(signing.public_bytes(key)):
            raise Malformed("channel.sandbox_key", setting=of_theirs)
        if signing.public_bytes(key) == signing.public_bytes(ours):  # the two keys of Alipay's web site look alike
            raise contracts.wrong(of_theirs, "the merchant's own key")


def _check_certificates(params: Mapping[str, Any], ours: RSAPrivateKey) -> None:
    _, certified = contracts.key("app_cert", lambda: signing.certificate_of(params["app_cert"]))
    if signing.public_bytes(certified) != signing.public_bytes(ours):
        raise contracts.wrong("app_cert", "of another private key")
    contracts.key("alipay_root_cert", lambda: signing.root_serial_of(params["alipay_root_cert"]))


def _theirs(params: Mapping[str, Any]) -> Mapping[str, RSAPublicKey]:
    """Return the keys that Alipay signs with, by the serials of their certificates where they have any."""
    if "alipay_cert" in params:
        return signing.certificates_of(params["alipay_cert"])
    return {"": signing.public_key_of(params["alipay_public_key"])}


def _pem(given: Mapping[str, Any], name: str) -> str:
    return contracts.text(given, name, longest=PEM_MAX)


def _fits(given: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> None:
    if pattern.fullmatch(contracts.text(given, name)) is None:
        raise contracts.wrong(name, pattern.pattern)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"
