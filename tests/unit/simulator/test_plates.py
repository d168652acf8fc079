from random import Random

from openberth.simulator.plates import LOOKALIKES, PROVINCES, PlateMint


def test_plates_are_unique_and_of_every_usual_kind() -> None:
    mint = PlateMint(Random(1))
    plates = [mint.plate() for _ in range(5_000)]
    texts = {plate.text for plate in plates}
    assert len(texts) == 5_000
    assert {len(text) for text in texts} == {7, 8}
    assert all(text[0] in PROVINCES and "I" not in text and "O" not in text for text in texts)
    assert len({text[0] for text in texts}) > 25
    assert {plate.type for plate in plates} == {1, 3, 11, 13, 19}
    assert all((len(plate.text) == 8) == (plate.type == 19) for plate in plates)


def test_a_reserved_plate_is_not_given_away() -> None:
    one = PlateMint(Random(7)).plate().text
    other = PlateMint(Random(7))
    other.reserve(one)
    assert other.plate().text != one


def test_a_misreading_differs_by_one_similar_character_and_is_nobodys_plate() -> None:
    mint, rng = PlateMint(Random(2)), Random(3)
    plates = [mint.plate().text for _ in range(2_000)]
    wrong = [(plate, mint.misread(plate, rng)) for plate in plates]
    found = [(plate, text) for plate, text in wrong if text is not None]
    assert len(found) > 1_500
    assert not {text for _, text in found} & set(plates)
    for plate, text in found:
        ((right, other),) = [pair for pair in zip(plate, text, strict=True) if pair[0] != pair[1]]
        assert any(right in family and other in family for family in LOOKALIKES)


def test_a_plate_without_similar_characters_is_never_misread() -> None:
    assert PlateMint(Random(1)).misread("粤A33377", Random(1)) is None
