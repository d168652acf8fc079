"""Plates: reading, kinds, masking and the distance between two readings."""

import pickle
import time

import pytest

from openberth.kernel.plates import (
    EDIT,
    FAR,
    PROVINCES,
    InvalidPlate,
    Near,
    Plate,
    PlateFault,
    PlateKind,
    distance,
    nearest,
    normalised,
)

READ = [
    # text, kind, pretty, masked
    ("粤B12345", PlateKind.ORDINARY, "粤B·12345", "粤B·**345"),
    ("浙ASB945", PlateKind.ORDINARY, "浙A·SB945", "浙A·**945"),
    ("粤BD12345", PlateKind.NEW_ENERGY_SMALL, "粤B·D12345", "粤B·***345"),
    ("粤BDA2345", PlateKind.NEW_ENERGY_SMALL, "粤B·DA2345", "粤B·***345"),
    ("粤BK12345", PlateKind.NEW_ENERGY_SMALL, "粤B·K12345", "粤B·***345"),
    ("粤B12345F", PlateKind.NEW_ENERGY_LARGE, "粤B·12345F", "粤B·***45F"),
    ("京A1234学", PlateKind.TRAINING, "京A·1234学", "京A·**34学"),
    ("京A1234警", PlateKind.POLICE, "京A·1234警", "京A·**34警"),
    ("京A1234挂", PlateKind.TRAILER, "京A·1234挂", "京A·**34挂"),
    ("粤Z9065澳", PlateKind.MACAO, "粤Z·9065澳", "粤Z·**65澳"),
    ("粤ZAB12港", PlateKind.HONG_KONG, "粤Z·AB12港", "粤Z·**12港"),
    ("使224578", PlateKind.EMBASSY, "使224·578", "使·***578"),
    ("沪A0023领", PlateKind.CONSULATE, "沪A·0023领", "沪A·**23领"),
    ("沪22478领", PlateKind.CONSULATE, "沪·22478领", "沪·***78领"),
    ("京X1234应急", PlateKind.EMERGENCY, "京X·1234应急", "京X·***4应急"),
    ("川S0001应急", PlateKind.EMERGENCY, "川S·0001应急", "川S·***1应急"),
    ("应急京123X", PlateKind.EMERGENCY, "应急京·123X", "应急京·**3X"),
    ("民航A1234", PlateKind.AVIATION, "民航·A1234", "民航·**234"),
    ("WJ京1234X", PlateKind.ARMED_POLICE, "WJ京·1234X", "WJ京·**34X"),
    ("WJ12345", PlateKind.ARMED_POLICE, "WJ·12345", "WJ·**345"),
    ("VA12345", PlateKind.MILITARY, "VA·12345", "VA·**345"),
    ("京A12345临", PlateKind.TEMPORARY, "京A·12345临", "京A·***45临"),
    ("京A1234试", PlateKind.TEMPORARY, "京A·1234试", "京A·**34试"),
    ("黑0812345", PlateKind.AGRICULTURAL, "黑·0812345", "黑·****345"),
]


@pytest.mark.parametrize(("text", "kind", "pretty", "masked"), READ)
def test_reads_every_kind(text: str, kind: PlateKind, pretty: str, masked: str) -> None:
    plate = Plate.read(text)
    assert plate.text == plate.key == text
    assert plate.kind is kind
    assert plate.pretty == pretty
    assert plate.masked == masked
    assert Plate(plate.key) == plate
    assert Plate(plate.key).kind is kind
    assert Plate.read(pretty) == plate


def test_every_province_is_known() -> None:
    assert len(PROVINCES) == len(set(PROVINCES)) == 31
    for province in PROVINCES:
        assert Plate.read(f"{province}A12345").kind is PlateKind.ORDINARY


@pytest.mark.parametrize(
    "spelling",
    ["粤B12345", "粤b12345", " 粤B 12345 ", "粤B·12345", "粤B•12345", "粤B．12345", "粤B-12345", "粤Ｂ１２３４５",
     "粵B12345", "粤B・12345", "粤B\u200b12345\ufeff", "粤B\u300012345"],
)  # fmt: skip
def test_one_plate_in_many_spellings(spelling: str) -> None:
    assert Plate.read(spelling) == Plate.read("粤B12345")
    assert hash(Plate.read(spelling)) == hash(Plate.read("粤B12345"))


@pytest.mark.parametrize(
    ("spelling", "text"),
    [("滬A1234學", "沪A1234学"), ("蘇A1234掛", "苏A1234挂"), ("雲A1234領", "云A1234领"), ("京X1234應急", "京X1234应急"),
     ("遼A12345臨", "辽A12345临"), ("224578使", "使224578"), ("224·578 使", "使224578"), ("使224·578", "使224578")],
)  # fmt: skip
def test_traditional_characters_and_old_embassy_shape(spelling: str, text: str) -> None:
    assert Plate.read(spelling).text == text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", PlateFault.EMPTY),
        (" · ", PlateFault.EMPTY),
        ("粤B12345" * 20, PlateFault.TOO_LONG),
        ("粤B1234?", PlateFault.CHARACTER),
        ("粤B1234\n;", PlateFault.CHARACTER),
        ("@12345678", PlateFault.CHARACTER),
        ("B12345", PlateFault.PROVINCE),
        ("无牌车", PlateFault.PROVINCE),
        ("_无_", PlateFault.PROVINCE),
        ("ABC1234", PlateFault.PROVINCE),
        ("粤BO1234", PlateFault.LETTER_I_O),
        ("粤BI1234", PlateFault.LETTER_I_O),
        ("粤B1234", PlateFault.LENGTH),
        ("粤B1234567", PlateFault.LENGTH),
        ("粤1B2345", PlateFault.SHAPE),
        ("粤BL12345", PlateFault.SHAPE),  # L stands for no kind of new energy
        ("粤BDAA345", PlateFault.SHAPE),
        ("粤B1234DD", PlateFault.SHAPE),
        ("京A1234港", PlateFault.SHAPE),  # only 粤Z has them
        ("AA12345", PlateFault.PROVINCE),  # A begins no military plate
    ],
)
def test_says_why_a_text_is_no_plate(text: str, fault: PlateFault) -> None:
    with pytest.raises(InvalidPlate) as refusal:
        Plate.read(text)
    assert refusal.value.fault is fault
    assert str(refusal.value)
    assert isinstance(refusal.value, ValueError)


def test_a_refusal_does_not_hold_the_text() -> None:
    with pytest.raises(InvalidPlate) as refusal:
        Plate.read("粤B1234567")
    assert "1234" not in f"{refusal.value!r}{refusal.value}{refusal.value.args}"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("MA1234", "***234"),
        ("港AB1234", "****234"),
        ("A1", "**"),
        ("ABC", "***"),
        ("ABCD", "**CD"),
        ("ABCDEFGH1234", "*********234"),
    ],
)
def test_foreign_plates_are_taken_as_they_are(text: str, masked: str) -> None:
    plate = Plate.foreign(text.lower())
    assert plate.kind is PlateKind.OTHER
    assert plate.text == plate.pretty == text
    assert plate.masked == masked


def test_a_foreign_reader_knows_chinese_shapes() -> None:
    assert Plate.foreign("粵b·12345") == Plate.read("粤B12345")
    assert Plate.foreign("粤B12345").kind is PlateKind.ORDINARY
    assert Plate.foreign("224578使").kind is PlateKind.EMBASSY


@pytest.mark.parametrize(
    "text", ["", "A", "无牌", "_无_", "ABCDEFGH12345", "AB*123", "АВС123", "@12345678", "ab\x00cd"]
)
def test_a_foreign_plate_has_bounds_too(text: str) -> None:
    with pytest.raises(InvalidPlate):
        Plate.foreign(text)


@pytest.mark.parametrize("text", ["粤b12345", "粤B·12345", "粵B12345", "224578使", "", "@short", "ａｂ12"])
def test_the_constructor_takes_normalised_text_only(text: str) -> None:
    with pytest.raises(InvalidPlate):
        Plate(text)


def test_a_passport_is_never_a_plate() -> None:
    passport = Plate.unlicensed("AB12345678")
    assert passport.kind is PlateKind.UNLICENSED
    assert passport.is_unlicensed
    assert Plate(passport.key) == passport
    assert passport != Plate.foreign("AB12345678")
    assert passport.key != Plate.foreign("AB12345678").key
    assert passport.masked == "@****678"
    for reader in (Plate.read, Plate.foreign):
        with pytest.raises(InvalidPlate):
            reader(passport.text)


@pytest.mark.parametrize("token", ["", "short", "x" * 65, "with space", "粤B123456", "a/../../b", "12345678\n"])
def test_passports_have_a_shape(token: str) -> None:
    with pytest.raises(InvalidPlate) as refusal:
        Plate.unlicensed(token)
    assert refusal.value.fault is PlateFault.TOKEN


def test_neither_repr_nor_str_shows_the_plate() -> None:
    plate = Plate.read("粤B12345")
    for shown in (repr(plate), str(plate), f"{plate}", f"{[plate]}", f"{Near(0, plate)}"):
        assert "粤B·**345" in shown
        assert "12345" not in shown
    assert "AB12345678"[:-3] not in repr(Plate.unlicensed("AB12345678"))


def test_new_energy() -> None:
    assert Plate.read("粤BD12345").is_new_energy
    assert Plate.read("粤B12345D").is_new_energy
    assert not Plate.read("粤B12345").is_new_energy


def test_plates_are_values() -> None:
    plate = Plate.read("粤B12345")
    assert {plate: 1}[Plate.read("粤B·12345")] == 1
    assert pickle.loads(pickle.dumps(plate)) == plate
    with pytest.raises(AttributeError):
        plate.text = "粤B54321"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("one", "other", "cost"),
    [
        ("粤B12345", "粤B12345", 0),
        ("粤BD2345", "粤B02345", 1),  # D and 0
        ("粤BQ2345", "粤BD2345", 1),
        ("粤B1L345", "粤B11345", 1),
        ("粤BT2345", "粤B12345", 1),
        ("粤B82345", "粤BB2345", 1),
        ("粤B12345", "粤B1Z345", 1),
        ("粤B12345", "粤B1234S", 1),
        ("粤B12346", "粤B1234G", 1),
        ("粤BU2345", "粤BV2345", 1),
        ("粤B02345", "粤B82345", 2),  # not taken for one another
        ("粤B12345", "京B12345", 1),
        ("粤B82345", "京BB2345", 2),
        ("粤B12345", "粤B12354", 4),
        ("粤B12345", "粤BD12345", 2),
        ("粤B1234S", "粤BD12345", 3),
        ("使224578", "使224579", 2),
    ],
)
def test_distances(one: str, other: str, cost: int) -> None:
    assert distance(Plate.read(one), Plate.read(other)) == cost
    assert distance(Plate.read(other), Plate.read(one)) == cost


@pytest.mark.parametrize(
    ("partial", "whole", "cost"),
    [("B12345", "粤B12345", 1), ("BB2345", "粤B82345", 2), ("B1234", "粤B12345", 3), ("I2345", "粤B12345", 4)],
)
def test_a_lost_province_character_costs_little(partial: str, whole: str, cost: int) -> None:
    assert distance(Plate.foreign(partial), Plate.read(whole)) == cost


def test_a_passport_is_near_nothing_but_itself() -> None:
    passport = Plate.unlicensed("AB12345678")
    assert distance(passport, passport) == 0
    assert distance(passport, Plate.unlicensed("AB12345679")) == FAR
    assert distance(passport, Plate.foreign("AB12345678")) == FAR
    assert nearest(passport, [Plate.foreign("AB12345678")], 2 * EDIT) == []


def test_the_nearest_come_first_and_in_their_order() -> None:
    texts = ["粤B99999", "粤B1234S", "京B12345", "粤B12346", "粤B12345"]
    plates = [Plate.read(text) for text in texts]
    wanted = Plate.read("粤B12345")
    assert nearest(wanted, plates, 2) == [
        Near(0, plates[4]),
        Near(1, plates[1]),
        Near(1, plates[2]),
        Near(2, plates[3]),
    ]
    assert nearest(wanted, plates, 0) == [Near(0, plates[4])]
    assert nearest(wanted, [], 2) == []


def test_normalised_is_bounded_before_it_works() -> None:
    with pytest.raises(InvalidPlate):
        normalised("\ufdfa" * 1000)  # one character that NFKC turns into eighteen


def test_a_thousand_distances_in_twenty_milliseconds() -> None:
    wanted = Plate.read("粤B7K2M9")
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    plates = [
        Plate.read(f"{PROVINCES[n % 31]}{letters[n % 24]}{letters[n * 7 % 24]}{n * 7919 % 10000:04d}")
        for n in range(1000)
    ]
    best = min(_cpu_of(wanted, plates) for _ in range(5))
    assert best < 0.020


def _cpu_of(wanted: Plate, plates: list[Plate]) -> float:
    started = time.thread_time()
    for plate in plates:
        distance(wanted, plate)
    return time.thread_time() - started
