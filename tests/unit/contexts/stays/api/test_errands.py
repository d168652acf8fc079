"""A browser that goes to be known: only it comes back, to the same sign, once and soon. And whose browser it is."""

import base64
import hashlib
import hmac
from uuid import UUID

import pytest
from starlette.requests import Request

from openberth.contexts.payments.model.channels import ChannelKind
from openberth.contexts.payments.ports import Scene
from openberth.contexts.stays.api import bridge
from openberth.contexts.stays.api.browsers import Browser, browser_of, own_first, scene_in
from openberth.contexts.stays.api.errands import LIFE_US, Errands
from openberth.kernel.errors import Refused
from openberth.kernel.time import Instant

BILL, ACCOUNT = UUID(int=7), UUID(int=8)
NOW = Instant(1_800_000_000_000_000)


class Keys:
    """Keys of an installation."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def fingerprint(self, kind: str, text: str) -> str:
        return hmac.new(self._key, f"{kind}\0{text}".encode(), hashlib.sha256).hexdigest()

    def seal(self, plain: bytes, *, context: bytes) -> tuple[str, bytes]:
        raise NotImplementedError

    def open(self, key_id: str, sealed: bytes, *, context: bytes) -> bytes:
        raise NotImplementedError


ERRANDS = Errands(Keys(b"a"))


def test_who_went_comes_back() -> None:
    state, kept = ERRANDS.begin(sign="ABCDEFGH23", bill=BILL, account=ACCOUNT, now=NOW)
    found = ERRANDS.read(sign="ABCDEFGH23", state=state, kept=kept, now=Instant(NOW + LIFE_US - 1))
    assert (found.bill, found.account, found.until) == (BILL, ACCOUNT, NOW + LIFE_US)
    assert state.isalnum()
    assert len(state) <= 128  # as WeChat wants it
    assert BILL.hex not in state
    assert ERRANDS.begin(sign="ABCDEFGH23", bill=BILL, account=ACCOUNT, now=NOW)[0] != state


def test_nobody_else_does() -> None:
    state, kept = ERRANDS.begin(sign="ABCDEFGH23", bill=BILL, account=ACCOUNT, now=NOW)
    other_state, other_kept = ERRANDS.begin(sign="ABCDEFGH23", bill=BILL, account=ACCOUNT, now=NOW)
    nonce, bill, account, until = kept.split(".")
    mine = {"sign": "ABCDEFGH23", "state": state, "kept": kept, "now": NOW}
    for change in (
        {"sign": "ABCDEFGH24"}, {"state": ""}, {"state": other_state}, {"state": state.upper()}, {"state": "é" * 64},
        {"kept": ""}, {"kept": other_kept}, {"kept": f"{nonce}.{UUID(int=9).hex}.{account}.{until}"},
        {"kept": f"{nonce}.{bill}.{UUID(int=9).hex}.{until}"}, {"kept": f"{nonce}.{bill}.{account}.{int(until) + 1}"},
        {"kept": kept + "\n"}, {"kept": "é" * 100}, {"now": Instant(NOW + LIFE_US)},
    ):  # fmt: skip
        with pytest.raises(Refused, match=r"payer\.state"):
            ERRANDS.read(**{**mine, **change})  # type: ignore[arg-type]
    with pytest.raises(Refused, match=r"payer\.state"):
        Errands(Keys(b"b")).read(**mine)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("says", "browser"),
    [
        ("Mozilla/5.0 (Linux; Android 14) Chrome/116 Mobile Safari/537.36 MicroMessenger/8.0.50 NetType/4G", "wechat"),
        ("Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 AlipayDefined AliApp(AP/10.5.0) AlipayClient/10.5.0", "alipay"),
        ("Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Version/17.0 Mobile Safari/604.1", "other"),
        ("", "other"),
    ],
)
def test_a_browser_is_known_by_what_it_says(says: str, browser: str) -> None:
    asked = Request({"type": "http", "headers": [(b"user-agent", says.encode())]})
    assert browser_of(asked) is Browser(browser)


def test_each_app_pays_by_itself_and_shows_the_other_as_a_code() -> None:
    wechat, alipay, sandpay = ChannelKind.WECHATPAY, ChannelKind.ALIPAY, ChannelKind.SANDPAY
    assert own_first([sandpay, wechat, alipay], Browser.ALIPAY) == [alipay, sandpay, wechat]
    assert own_first([sandpay, alipay, wechat], Browser.OTHER) == [sandpay, alipay, wechat]
    table = {browser: [scene_in(browser, kind) for kind in (wechat, alipay, sandpay)] for browser in Browser}
    assert table == {
        Browser.WECHAT: [Scene.APP, Scene.CODE, Scene.PAGE], Browser.ALIPAY: [Scene.CODE, Scene.PAGE, Scene.PAGE],
        Browser.OTHER: [Scene.PAGE] * 3,
    }  # fmt: skip


def test_the_policy_names_the_script_that_is_sent() -> None:
    digest = base64.b64encode(hashlib.sha256(bridge.SCRIPT.encode()).digest()).decode()
    assert f"sha256-{digest}" == bridge.DIGEST
    assert "</" not in bridge.SCRIPT
