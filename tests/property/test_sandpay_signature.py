"""Whatever is changed in a signed message, neither side takes it for genuine; unchanged, both do."""

import base64
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import assume, given
from hypothesis import strategies as st

from openberth.kernel.errors import Malformed, Unknown
from openberth.kernel.time import SECOND_US, Instant
from openberth.providers.sandpay import SIGNATURE, Sandpay, signed_text
from openberth.sandbox.sandpay import signing

KEY = Ed25519PrivateKey.generate()
PRIVATE_PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)  # fmt: skip
PUBLIC_PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)  # fmt: skip
NOW = 1_790_000_000
ALNUM = st.characters(codec="ascii", categories=("L", "N"))


class FixedClock:
    def now(self) -> Instant:
        return Instant(NOW * SECOND_US)


CHANNEL = Sandpay(
    base_url="http://127.0.0.1:1", merchant="m", merchant_key=PRIVATE_PEM, channel_key=PUBLIC_PEM,
    notify_url="http://127.0.0.1:2/", clock=FixedClock(), nonces=lambda: "0" * 16,
)  # fmt: skip


@dataclass(frozen=True)
class Message:
    method: str
    target: str
    header: str
    body: bytes


def genuine_to_channel(message: Message) -> bool:
    try:
        signature = signing.parse(message.header)
        signing.verify(KEY.public_key(), signature, message.method, message.target, message.body, NOW)
    except signing.SignatureRefused:
        return False
    return signature.id == "sandpay"  # the id chooses the key; it is not signed itself


def genuine_to_provider(message: Message) -> bool:
    try:
        CHANNEL.read_notification(message.method, message.target, {SIGNATURE: message.header}, message.body)
    except Unknown as refused:
        return refused.code == "channel.replayed"  # proved, and seen before
    except Malformed:
        return True  # proved, though not a notification
    return True


@st.composite
def messages(draw: st.DrawFn) -> Message:
    method = draw(st.sampled_from(["GET", "POST"]))
    target = "/" + draw(st.text(st.characters(codec="ascii", min_codepoint=0x21, max_codepoint=0x7E), max_size=30))
    nonce = draw(st.text(ALNUM, min_size=16, max_size=64))
    ts = str(NOW + draw(st.integers(-300, 300)))
    body = draw(st.binary(max_size=200))
    signature = base64.b64encode(KEY.sign(signed_text(method, target, ts, nonce, body))).decode()
    return Message(method, target, f"id=sandpay,ts={ts},nonce={nonce},sig={signature}", body)


def mutated(draw: st.DrawFn, text: str) -> str:
    at = draw(st.integers(0, len(text)))
    kind = draw(st.sampled_from(["insert", "replace", "delete", "swap case"]))
    piece = draw(st.text(st.characters(codec="utf-8"), min_size=1, max_size=3))
    if kind == "insert":
        return text[:at] + piece + text[at:]
    if kind == "replace":
        return text[:at] + piece + text[at + len(piece) :]
    if kind == "delete":
        return text[:at] + text[at + 1 :]
    return text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]


@st.composite
def mutations(draw: st.DrawFn) -> tuple[Message, Message]:
    message = draw(messages())
    part = draw(st.sampled_from(["method", "target", "header", "body"]))
    if part == "body":
        changed = replace(message, body=mutated(draw, message.body.decode("latin-1")).encode("utf-8"))
    elif part == "header":
        changed = replace(message, header=mutated(draw, message.header))
    elif part == "target":
        changed = replace(message, target=mutated(draw, message.target))
    else:
        changed = replace(message, method=mutated(draw, message.method))
    assume(changed != message)
    return message, changed


@given(messages())
def test_both_sides_take_a_genuine_message(message: Message) -> None:
    assert genuine_to_channel(message)
    assert genuine_to_provider(message)


@given(mutations())
def test_no_side_takes_a_changed_message(pair: tuple[Message, Message]) -> None:
    _, changed = pair
    assert not genuine_to_channel(changed)
    assert not genuine_to_provider(changed)


@given(messages(), st.integers(0, 85) | st.just(85), st.sampled_from("ABCDwxyz0189+/"))
def test_no_other_signature_text_verifies(message: Message, at: int, letter: str) -> None:
    head, _, signature = message.header.partition("sig=")
    changed = replace(message, header=f"{head}sig={signature[:at]}{letter}{signature[at + 1 :]}")
    assume(changed != message)
    assert not genuine_to_channel(changed)
    assert not genuine_to_provider(changed)
