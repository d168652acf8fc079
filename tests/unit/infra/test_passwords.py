"""Digests of passwords, and which ones everybody tries first."""

import asyncio

import pytest

from openberth.infra.passwords import MEMORY_KIB, PASSES, Hashing, is_common

QUICK = Hashing(memory_kib=64, passes=1)


@pytest.mark.parametrize(
    "password",
    ["password", "Password2026!", "password123", "1234567890", "qwertyuiop", "woaini1314", "5201314", "123456123456",
     "aaaaaaaaaaaa", "openberth2026", "1qaz2wsx3edc", "QQ123456"],
)  # fmt: skip
def test_common_passwords_are_known(password: str) -> None:
    assert is_common(password)


@pytest.mark.parametrize(
    "password", ["plum-otter-canal-92", "kvq7Zt0rLwx1", "停车场的门在左边第三个", "correct horse battery"]
)
def test_others_are_not(password: str) -> None:
    assert not is_common(password)


def test_a_digest_matches_its_password_alone() -> None:
    async def check() -> None:
        digest = await QUICK.digest("plum-otter-canal-92")
        assert digest.startswith("$argon2id$")
        assert await QUICK.digest("plum-otter-canal-92") != digest
        assert await QUICK.matches(digest, "plum-otter-canal-92")
        assert not await QUICK.matches(digest, "plum-otter-canal-93")
        assert not await QUICK.matches(None, "")
        assert not await QUICK.matches("no digest", "anything")

    asyncio.run(check())


def test_parameters_are_those_of_the_promise() -> None:
    digest = asyncio.run(Hashing().digest("plum-otter-canal-92"))
    assert f"m={MEMORY_KIB},t={PASSES},p=1" in digest
    assert MEMORY_KIB == 19 * 1024
