"""One-time codes against the published vectors."""

import base64

import pytest

from openberth.infra import one_time
from openberth.infra.one_time import SECRET_BYTES, address_of, code_at, matching_step, new_secret, step_of
from openberth.kernel.time import SECOND_US, Instant

SECRET = b"12345678901234567890"
BASE32 = base64.b32encode(SECRET).decode()
# RFC 6238 appendix B: seconds, algorithm, eight digits. Keys are the ASCII digits repeated to 20, 32 and 64 bytes.
TOTP = [
    (59, "sha1", "94287082"), (59, "sha256", "46119246"), (59, "sha512", "90693936"),
    (1111111109, "sha1", "07081804"), (1111111109, "sha256", "68084774"), (1111111109, "sha512", "25091201"),
    (1111111111, "sha1", "14050471"), (1111111111, "sha256", "67062674"), (1111111111, "sha512", "99943326"),
    (1234567890, "sha1", "89005924"), (1234567890, "sha256", "91819424"), (1234567890, "sha512", "93441116"),
    (2000000000, "sha1", "69279037"), (2000000000, "sha256", "90698825"), (2000000000, "sha512", "38618901"),
    (20000000000, "sha1", "65353130"), (20000000000, "sha256", "77737706"), (20000000000, "sha512", "47863826"),
]  # fmt: skip
KEY_LENGTHS = {"sha1": 20, "sha256": 32, "sha512": 64}


@pytest.mark.parametrize(("seconds", "algorithm", "code"), TOTP)
def test_codes_of_rfc_6238(seconds: int, algorithm: str, code: str) -> None:
    key = (SECRET * 4)[: KEY_LENGTHS[algorithm]]
    step = step_of(Instant(seconds * SECOND_US))
    assert code_at(key, step, digits=8, algorithm=algorithm) == code


@pytest.mark.parametrize(
    ("counter", "code"),
    list(
        enumerate(["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"])
    ),
)
def test_codes_of_rfc_4226(counter: int, code: str) -> None:
    assert code_at(SECRET, counter) == code


def test_a_code_holds_one_step_around_the_present_and_once() -> None:
    now = Instant(1_111_111_109 * SECOND_US)
    step = step_of(now)
    for near in (step - 1, step, step + 1):
        code = code_at(SECRET, near)
        assert matching_step(BASE32, code, now=now, after=0) == near
        assert matching_step(BASE32, code, now=now, after=near) is None
    for far in (step - 2, step + 2):
        assert matching_step(BASE32, code_at(SECRET, far), now=now, after=0) is None


@pytest.mark.parametrize("wrong", ["", "12345", "1234567", "abcdef", "１２３４５６", "-12345"])
def test_what_is_no_code_matches_nothing(wrong: str) -> None:
    assert matching_step(BASE32, wrong, now=Instant(59 * SECOND_US), after=0) is None


def test_a_fresh_secret_is_for_authenticators() -> None:
    secret = new_secret()
    assert len(base64.b32decode(secret)) == SECRET_BYTES
    assert new_secret() != secret
    assert address_of(secret, login="desk@lot").startswith("otpauth://totp/OpenBerth:desk%40lot?secret=" + secret)


def test_recovery_codes_have_eighty_bits_and_are_read_however_they_are_typed() -> None:
    codes = one_time.new_recovery_codes()
    assert len(set(codes)) == one_time.RECOVERY_CODES == 10
    for code in codes:
        assert len(base64.b32decode(code.replace("-", ""))) == 10
        for typed in (code, code.lower(), code.replace("-", ""), code.replace("-", " ").replace("O", "0")):
            assert one_time.recovery_code_of(typed) == code
    assert one_time.recovery_code_of("0IB2-0182-AAAA-AAAA") == "OIB2-OIB2-AAAA-AAAA"
    for wrong in (
        "",
        "123456",
        "AAAA-AAAA-AAAA-AAA",
        "AAAA-AAAA-AAAA-AAAAA",
        "AAAA-AAAA-AAAA-AAA9",
        "ÄAAA-AAAA-AAAA-AAAA",
    ):
        assert one_time.recovery_code_of(wrong) is None
