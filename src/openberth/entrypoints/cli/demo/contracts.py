"""The contracts of a demo: the company's with WeChat Pay and Alipay for all its lots, and two of single lots.

The platform's contract with Sandpay comes from the settings, so drivers can choose at every lot. Which channel is tried
first differs: WeChat Pay by the company's contract, Alipay or Sandpay at the lot whose own contract ranks before it.
"""

import json
from typing import Any

from openberth.entrypoints.cli.client import Api
from openberth.entrypoints.cli.demo.people import COMPANY
from openberth.entrypoints.cli.demo.place import (
    ALIPAY_ACCOUNT,
    ALIPAY_APP,
    ALIPAY_LOT_ACCOUNT,
    ALIPAY_LOT_APP,
    LOT_MERCHANT,
    Place,
)
from openberth.entrypoints.cli.session import Session

FIRST, SECOND, THIRD = 10, 20, 30  # ranks; the platform's contract comes after them
SANDPAY_LOT, ALIPAY_LOT = "office", "mall"


async def make_contracts(api: Api, place: Place, lots: list[str], session: Session) -> None:
    """Make the contracts by the API, as an operator would."""
    await api.post("/v1/channels", _wechatpay(place, session))
    await api.post("/v1/channels", _alipay(place, session))
    await api.post("/v1/channels", _sandpay(place, SANDPAY_LOT if SANDPAY_LOT in lots else lots[-1], session))
    await api.post("/v1/channels", _own_alipay(place, ALIPAY_LOT if ALIPAY_LOT in lots else lots[0], session))


def _wechatpay(place: Place, session: Session) -> dict[str, Any]:
    """Return the company's contract, from what the merchants' web site handed over."""
    told = json.loads(place.wechatpay_merchant.read_text(encoding="utf-8"))
    key = next(key for key in told["platform_keys"] if key["kind"] == "public_key" and key["signs"])
    return {
        "level": "company", "node": COMPANY, "kind": "wechatpay", "rank": SECOND,
        "name": session.say("demo.contract_wechatpay"),
        "params": {
            "appid": told["appids"][0], "mchid": told["mchid"], "serial_no": told["serial"], "public_key_id": key["id"],
            "public_key": key["public_key"], "url": place.wechatpay_url,
        },
        "secrets": {"private_key": told["private_key"], "api_v3_key": told["api_key"]},
    }  # fmt: skip


def _alipay(place: Place, session: Session) -> dict[str, Any]:
    contract = _alipay_of(place, ALIPAY_APP, ALIPAY_ACCOUNT)
    name = session.say("demo.contract_alipay")
    return contract | {"level": "company", "node": COMPANY, "rank": THIRD, "name": name}


def _own_alipay(place: Place, lot: str, session: Session) -> dict[str, Any]:
    contract = _alipay_of(place, ALIPAY_LOT_APP, ALIPAY_LOT_ACCOUNT)
    return contract | {"level": "lot", "node": lot, "rank": FIRST, "name": session.say("demo.contract_own_alipay")}


def _alipay_of(place: Place, app: str, account: str) -> dict[str, Any]:
    """Return what a contract with Alipay says, from what the site for developers handed over."""
    told = json.loads(place.alipay_app(app).read_text(encoding="utf-8"))
    params = {"app_id": app, "seller_id": account, "url": place.alipay_url}
    return {
        "kind": "alipay", "params": params | {"alipay_public_key": told["alipay_public_key"]},
        "secrets": {"private_key": told["private_key"]},
    }  # fmt: skip


def _sandpay(place: Place, lot: str, session: Session) -> dict[str, Any]:
    return {
        "level": "lot", "node": lot, "kind": "sandpay", "rank": FIRST, "name": session.say("demo.contract_sandpay"),
        "params": {
            "url": place.sandpay_url, "merchant": LOT_MERCHANT,
            "channel_key": (place.sandpay_data / "sandpay.pub").read_text(encoding="utf-8"),
        },
        "secrets": {"merchant_key": (place.folder / "lot-merchant.key").read_text(encoding="utf-8")},
    }  # fmt: skip
