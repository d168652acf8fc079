"""The WeChat adapter against the stand-in: a process of its own with the real wire."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest

from openberth.infra.clocks import ManualClock
from openberth.kernel.errors import Denied, Overloaded, Problem, Refused, Unknown
from openberth.kernel.time import SECOND_US, Instant
from openberth.providers.wechat import Wechat
from tests.ports import free_port
from tests.waiting import PATIENCE_S

APPID, SECRET = "wx0123456789abcdef", "0123456789abcdef0123456789abcdef"
T = TypeVar("T")


class Weixin:
    """The stand-in as a process."""

    def __init__(self, folder: Path) -> None:
        (folder / "secret").write_text(SECRET)
        command = [
            sys.executable, "-m", "openberth.sandbox.wechat", "--port", "0", "--appid", APPID,
            "--secret-file", str(folder / "secret"),
        ]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip().rpartition(" ")[2]
        self.http = httpx2.Client(base_url=self.url, trust_env=False, timeout=PATIENCE_S)

    def code(self, kind: str, **user: Any) -> str:
        return str(self.http.post("/control/codes", json={"kind": kind, **user}).json()["code"])

    def control(self, **wanted: Any) -> Any:
        return self.http.post("/control", json=wanted).json()

    def close(self) -> None:
        self.http.close()
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weixin]:
    started = Weixin(tmp_path_factory.mktemp("wechat"))
    yield started
    started.close()


@pytest.fixture
def weixin(process: Weixin) -> Weixin:
    process.control(busy=0, foreign_watermark=False)
    return process


def asked(
    weixin: Weixin, *calls: Callable[[Wechat], Awaitable[T]], secret: str = SECRET, appid: str = APPID
) -> list[T]:
    async def run() -> list[T]:
        clock = ManualClock(Instant(1_000 * SECOND_US))
        wechat = Wechat(base_url=weixin.url, appid=appid, secret=secret, clock=clock)
        try:
            return [await call(wechat) for call in calls]
        finally:
            await wechat.aclose()

    return asyncio.run(run())


def test_a_login_code_stands_for_an_openid_once(weixin: Weixin) -> None:
    code = weixin.code("login", openid="o-desk")
    assert asked(weixin, lambda wechat: wechat.openid_of(code)) == [f"{APPID}:o-desk"]
    with pytest.raises(Unknown, match=r"wechat\.code"):
        asked(weixin, lambda wechat: wechat.openid_of(code))


def test_a_phone_code_stands_for_a_number_whatever_its_country_comes_as(weixin: Weixin) -> None:
    codes = [weixin.code("phone", phone="13800138000") for _ in range(8)]
    codes.append(weixin.code("phone", phone="91234567", country="852"))
    calls = weixin.control()["calls"].get("token", 0)
    found = asked(weixin, *[lambda wechat, code=code: wechat.phone_of(code) for code in codes])
    assert found == ["+8613800138000"] * 8 + ["+85291234567"]
    assert weixin.control()["calls"]["token"] == calls + 1  # one token for all of them


def test_a_code_of_the_wrong_kind_or_too_old_is_none(weixin: Weixin) -> None:
    login, phone = weixin.code("login", openid="o"), weixin.code("phone", phone="13800138000")
    wrong: list[Callable[[Wechat], Awaitable[str]]] = [
        lambda wechat: wechat.openid_of(phone),
        lambda wechat: wechat.phone_of(login),
        lambda wechat: wechat.openid_of("nobody's"),
        lambda wechat: wechat.openid_of(""),
        lambda wechat: wechat.openid_of("x" * 201),
        lambda wechat: wechat.openid_of("验证"),
    ]
    for call in wrong:
        with pytest.raises(Unknown, match=r"wechat\.code"):
            asked(weixin, call)
    weixin.control(expire_codes=True)
    with pytest.raises(Unknown):
        asked(weixin, lambda wechat: wechat.openid_of(login))


def test_a_token_that_ended_early_is_refreshed_once_and_the_call_repeated(weixin: Weixin) -> None:
    first, second = (weixin.code("phone", phone="13800138000") for _ in range(2))

    async def expire(wechat: Wechat) -> str:
        weixin.control(expire_tokens=True)
        return await wechat.phone_of(second)

    before = weixin.control()["calls"].get("phone", 0)
    assert asked(weixin, lambda wechat: wechat.phone_of(first), expire) == ["+8613800138000"] * 2
    assert weixin.control()["calls"]["phone"] == before + 3


def test_a_token_refused_again_is_not_forced_again(weixin: Weixin) -> None:
    codes = [weixin.code("phone", phone="13800138000") for _ in range(3)]

    async def expire(wechat: Wechat, code: str) -> str:
        weixin.control(expire_tokens=True)
        return await wechat.phone_of(code)

    with pytest.raises(Overloaded, match=r"wechat\.busy"):
        asked(
            weixin, lambda wechat: wechat.phone_of(codes[0]), lambda wechat: expire(wechat, codes[1]),
            lambda wechat: expire(wechat, codes[2]),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "problem"),
    [({"busy": 1}, Overloaded), ({"foreign_watermark": True}, Unknown)],
)
def test_faults_are_told_as_problems(weixin: Weixin, fault: dict[str, Any], problem: type[Problem]) -> None:
    code = weixin.code("phone", phone="13800138000")
    weixin.control(**fault)
    with pytest.raises(problem):
        asked(weixin, lambda wechat: wechat.phone_of(code))


def test_users_that_wechat_blocks_are_denied(weixin: Weixin) -> None:
    code = weixin.code("login", openid="o", blocked=True)
    with pytest.raises(Denied, match=r"wechat\.blocked"):
        asked(weixin, lambda wechat: wechat.openid_of(code))


def test_wrong_credentials_of_ours_are_told_by_number(weixin: Weixin) -> None:
    code = weixin.code("login", openid="o")
    for given, number in (({"secret": "x"}, 40125), ({"appid": "x"}, 40013)):
        with pytest.raises(Refused) as refused:
            asked(weixin, lambda wechat: wechat.openid_of(code), **given)
        assert refused.value.params == {"errcode": number}


def test_a_server_that_is_gone_is_busy(weixin: Weixin) -> None:
    class Gone:
        url = f"http://127.0.0.1:{free_port()}"

    with pytest.raises(Overloaded, match=r"wechat\.busy") as busy:
        asked(Gone(), lambda wechat: wechat.openid_of("code"))  # type: ignore[arg-type]
    assert SECRET not in repr(busy.value.__cause__)
