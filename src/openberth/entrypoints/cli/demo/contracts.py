"""The contracts of a demo: the company's with WeChat Pay for all its lots, and one lot's own with Sandpay.

The platform's contract with Sandpay comes from the settings, so drivers can choose at every lot. Which channel is tried
first differs: WeChat Pay by the company's contract, Sandpay at the lot whose own contract ranks before it.
"""

import json
from typing import Any

from openberth.entrypoints.cli.client import Api
from openberth.entrypoints.cli.demo.people import COMPANY
from openberth.entrypoints.cli.demo.place import LOT_MERCHANT, Place
from openberth.entrypoints.cli.session import Session

FIRST, SECOND = 10, 20  # ranks; the platform's contract comes after both
LOT = "office"


async def make_contracts(api: Api, place: Place, lots: list[str], session: Session) -> None:
    """Make the contracts by the API, as an operator would."""
    await api.post("/v1/channels", _wechatpay(place, session))
    await api.post("/v1/channels", _sandpay(place, LOT if LOT in lots else lots[-1], session))


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


def _sandpay(place: Place, lot: str, session: Session) -> dict[str, Any]:
    return {
        "level": "lot", "node": lot, "kind": "sandpay", "rank": FIRST, "name": session.say("demo.contract_sandpay"),
        "params": {
            "url": place.sandpay_url, "merchant": LOT_MERCHANT,
            "channel_key": (place.sandpay_data / "sandpay.pub").read_text(encoding="utf-8"),
        },
        "secrets": {"merchant_key": (place.folder / "lot-merchant.key").read_text(encoding="utf-8")},
    }  # fmt: skip
