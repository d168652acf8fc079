"""The MQTT codec takes any bytes at all: it gives packets or its own refusal, whatever the chopping; topics match as
the standard says.
"""

from contextlib import suppress
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from openberth.gateways.mqtt import codec, properties
from openberth.gateways.mqtt.codec import Decoder
from openberth.gateways.mqtt.packets import V3, V5, Broken, FromClient, Publish, Reason
from openberth.gateways.mqtt.properties import Property
from openberth.gateways.mqtt.topics import covers, is_filter, is_topic, matches
from tests.wire import mqtt_peer

MOST = 2_000
CONNECT = {V3: mqtt_peer.connect(), V5: mqtt_peer.connect(version=5)}
versions = st.sampled_from([V3, V5])
cuts = st.lists(st.integers(0, 10_000), max_size=20)
level = st.text("ab$é", max_size=2)
topics = st.lists(level, min_size=1, max_size=4).map("/".join).filter(is_topic)
filters = st.lists(level | st.just("+"), min_size=1, max_size=4).flatmap(
    lambda levels: st.sampled_from(["/".join(levels), "/".join([*levels, "#"]), "#"])
).filter(is_filter)  # fmt: skip
payloads = st.binary(max_size=300)
sent = st.builds(
    lambda version, topic, payload, qos, number: (
        version,
        mqtt_peer.publish(topic, payload, qos=qos, packet_id=number, version=version),
        Publish(topic, payload, qos, packet_id=number if qos else 0),
    ),
    versions, topics, payloads, st.sampled_from([0, 1]), st.integers(1, 65535),
)  # fmt: skip


def read(version: int, chunks: list[bytes]) -> tuple[list[FromClient], Reason | None]:
    decoder = Decoder(MOST)
    got: list[FromClient] = []
    try:
        for chunk in (CONNECT[version], *chunks):
            decoder.push(chunk)
            while (packet := decoder.next()) is not None:
                got.append(packet)
                decoder.version = version
            assert decoder.waiting < MOST
    except Broken as broken:
        return got[1:], broken.reason
    return got[1:], None


def chopped(data: bytes, where: list[int]) -> list[bytes]:
    marks = sorted({0, len(data), *(cut % (len(data) + 1) for cut in where)})
    return [data[a:b] for a, b in pairwise(marks)]


@given(st.lists(sent, max_size=5), versions, cuts)
def test_messages_are_read_however_they_were_chopped(
    several: list[tuple[int, bytes, Publish]], version: int, where: list[int]
) -> None:
    ours = [one for one in several if one[0] == version]
    data = b"".join(raw for _, raw, _ in ours)
    assert read(version, chopped(data, where)) == ([message for _, _, message in ours], None)


@given(sent, st.binary(max_size=600), cuts)
def test_any_bytes_give_the_same_packets_and_the_same_flaw_however_chopped(
    first: tuple[int, bytes, Publish], tail: bytes, where: list[int]
) -> None:
    version, raw, message = first
    whole = read(version, [raw + tail])
    assert read(version, chopped(raw + tail, where)) == whole
    assert read(version, [bytes([byte]) for byte in raw + tail]) == whole
    assert whole[0][0] == message


@given(st.integers(1, 15), st.integers(0, 15), st.binary(max_size=80), versions)
def test_any_body_of_any_packet_is_read_or_refused(kind: int, flags: int, body: bytes, version: int) -> None:
    packets, reason = read(version, [mqtt_peer.packet(kind, flags, body)])
    assert len(packets) == (reason is None)


@given(st.data(), st.sampled_from(sorted(CONNECT)))
def test_any_damage_to_a_connect_is_read_or_refused(data: st.DataObject, version: int) -> None:
    raw = bytearray(CONNECT[version])
    raw[data.draw(st.integers(2, len(raw) - 1))] = data.draw(st.integers(0, 255))
    decoder = Decoder(MOST)
    decoder.push(bytes(raw))
    with suppress(Broken):
        decoder.next()


@given(topics, payloads, st.sampled_from([0, 1]), st.booleans(), st.booleans(), st.integers(1, 65535))
def test_messages_are_written_as_the_standard_says(
    topic: str, payload: bytes, qos: int, retain: bool, dup: bool, number: int
) -> None:
    message = Publish(topic, payload, qos, retain, dup and bool(qos), number if qos else 0)
    raw = codec.publish(V3, message)
    assert raw == mqtt_peer.packet(3, message.dup << 3 | qos << 1 | retain, raw[-len(body_of(message)) :])
    assert read(V3, [raw]) == ([message], None)


def body_of(message: Publish) -> bytes:
    number = message.packet_id.to_bytes(2, "big") if message.qos else b""
    return mqtt_peer.text(message.topic) + number + message.payload


@given(st.integers(0, properties.VARINT_MAX))
def test_numbers_are_written_as_short_as_can_be(value: int) -> None:
    raw = properties.varint(value)
    assert properties.varint_at(raw, 0) == (value, len(raw))
    assert len(raw) == 1 + (value > 127) + (value > 16_383) + (value > 2_097_151)


@given(st.integers(0, 2**32 - 1), st.text("aé", max_size=9), st.binary(max_size=9))
def test_properties_come_back(expiry: int, kind: str, data: bytes) -> None:
    said: dict[int, int | str | bytes] = {
        Property.MESSAGE_EXPIRY: expiry,
        Property.CONTENT_TYPE: kind,
        Property.CORRELATION: data,
    }
    raw = properties.write(said)
    assert properties.read(raw + b"x", 0, properties.IN_PUBLISH) == (said, len(raw))


@given(filters, topics)
def test_filters_match_as_another_implementation_does(pattern: str, topic: str) -> None:
    assert matches(pattern, topic) == topic_matches_sub(pattern, topic)


@given(filters, filters, topics)
def test_what_covers_a_filter_matches_whatever_that_one_does(wide: str, narrow: str, topic: str) -> None:
    assume(not topic.startswith("$"))
    if covers(wide, narrow) and matches(narrow, topic):
        assert matches(wide, topic)


@given(st.text("a+#/\0", max_size=6))
def test_a_filter_is_one_or_not(text: str) -> None:
    levels = text.split("/")
    well = all(each in ("+", "#") or not set(each) & {"+", "#"} for each in levels) and "#" not in levels[:-1]
    assert is_filter(text) == (bool(text) and "\0" not in text and well)
    assert is_topic(text) == (bool(text) and not set(text) & {"+", "#", "\0"})
