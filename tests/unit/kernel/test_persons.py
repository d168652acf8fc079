"""Identity numbers, phones and names: reading, faults, masks. Numbers are the standard's examples or made here."""

import pickle
from datetime import date

import pytest

from openberth.kernel.persons import (
    NAME_MAX,
    IdentityNumber,
    InvalidPerson,
    PersonFault,
    Phone,
    masked_identity,
    masked_name,
    masked_openid,
    masked_phone,
    masked_words,
    read_name,
)

# The two examples of GB 11643-1999, annex A.
CHAOYANG, NANAO = "11010519491231002X", "440524188001010014"
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # as annex B prints them


def number(first: str) -> str:
    """Return an identity number of 17 digits with its check character, by the table of annex B."""
    return first + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(first, WEIGHTS, strict=True)) % 11]


@pytest.mark.parametrize(
    ("text", "born", "masked"),
    [
        (CHAOYANG, date(1949, 12, 31), "1101**********002X"),
        (NANAO, date(1880, 1, 1), "4405**********0014"),
        ("11010519491231002x", date(1949, 12, 31), "1101**********002X"),
        (" 110105 19491231 002X ", date(1949, 12, 31), "1101**********002X"),
        ("１１０１０５１９４９１２３１００２Ｘ", date(1949, 12, 31), "1101**********002X"),
        (number("81000019900229000"[:6] + "20000229" + "001"), date(2000, 2, 29), None),
        (number("83000020000101" + "001"), date(2000, 1, 1), None),
        (number("931" + "040" + "19800101" + "001"), date(1980, 1, 1), None),  # a foreigner's card, issued in Shanghai
    ],
)
def test_reads_identity_numbers(text: str, born: date, masked: str | None) -> None:
    found = IdentityNumber.read(text, today=date(2026, 1, 1))
    assert found.born == born
    assert len(found.text) == 18
    assert found.masked == (masked or found.text[:4] + "*" * 10 + found.text[-4:])
    assert found.text[4:14] not in repr(found) + str(found)
    assert IdentityNumber(found.text) == found == pickle.loads(pickle.dumps(found))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", PersonFault.EMPTY),
        ("  ", PersonFault.EMPTY),
        ("110105194912310021", PersonFault.CHECK),
        ("110105491231002", PersonFault.SHAPE),  # fifteen digits: out of use since 2013
        ("1101051949123100X2", PersonFault.SHAPE),
        ("01010519491231002X", PersonFault.SHAPE),
        ("11010519491231002Y", PersonFault.SHAPE),
        ("x" * 41, PersonFault.TOO_LONG),
        (number("99010519491231002"), PersonFault.REGION),
        (number("16010519491231002"), PersonFault.REGION),
        (number("11010519490229002"), PersonFault.DATE),
        (number("11010519491301002"), PersonFault.DATE),
        (number("11010518491231002"), PersonFault.DATE),
        (number("11010520270101002"), PersonFault.DATE),  # not yet born
        ("一一0105194912310021", PersonFault.SHAPE),
        ("११०१०५१९४९१२३१००२X", PersonFault.SHAPE),
    ],
)
def test_refuses_what_is_no_identity_number(text: str, fault: PersonFault) -> None:
    with pytest.raises(InvalidPerson) as caught:
        IdentityNumber.read(text, today=date(2026, 1, 1))
    assert caught.value.fault is fault
    assert not text.strip() or text not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "kept", "masked"),
    [
        ("13800138000", "+8613800138000", "138****8000"),
        ("+86 138 0013 8000", "+8613800138000", "138****8000"),
        ("0086-138-0013-8000", "+8613800138000", "138****8000"),
        ("8613800138000", "+8613800138000", "138****8000"),
        ("１９９ 0000 0000", "+8619900000000", "199****0000"),
        ("+85251234567", "+85251234567", "+852****4567"),
        ("0044 20 7946 0000", "+442079460000", "+442*****0000"),
        ("+12025550100", "+12025550100", "+120****0100"),
        ("+2901234", "+2901234", "+290****"),
    ],
)
def test_reads_phones(text: str, kept: str, masked: str) -> None:
    found = Phone.read(text)
    assert (found.text, found.masked) == (kept, masked)
    assert kept not in repr(found) + str(found)
    assert Phone(kept) == found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", PersonFault.EMPTY),
        ("12800138000", PersonFault.COUNTRY),
        ("1380013800", PersonFault.COUNTRY),
        ("138001380001", PersonFault.COUNTRY),
        ("+8612800138000", PersonFault.SHAPE),
        ("+862012345678", PersonFault.SHAPE),  # a fixed line: nothing can be sent to it
        ("+86138001380001", PersonFault.SHAPE),
        ("+0123456789", PersonFault.SHAPE),
        ("+1234567890123456", PersonFault.SHAPE),
        ("++8613800138000", PersonFault.SHAPE),
        ("13800138abc", PersonFault.SHAPE),
        ("١٣٨٠٠١٣٨٠٠٠", PersonFault.SHAPE),
        ("1" * 41, PersonFault.TOO_LONG),
    ],
)
def test_refuses_what_is_no_phone(text: str, fault: PersonFault) -> None:
    with pytest.raises(InvalidPerson) as caught:
        Phone.read(text)
    assert caught.value.fault is fault


@pytest.mark.parametrize(
    ("text", "kept", "masked"),
    [
        ("甲乙", "甲乙", "甲**"),
        ("  甲乙丙 ", "甲乙丙", "甲**"),
        ("阿·甲乙", "阿·甲乙", "阿**"),
        ("Desk  One", "Desk One", "D**"),
        ("O’Desk-One Jr.", "O’Desk-One Jr.", "O**"),
        ("e\u0301Lan", "éLan", "é**"),
        ("甲", "甲", "**"),
    ],
)
def test_reads_and_masks_names(text: str, kept: str, masked: str) -> None:
    assert read_name(text) == kept
    assert masked_name(kept) == masked


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", PersonFault.EMPTY),
        (" \t", PersonFault.EMPTY),
        ("<b>", PersonFault.CHARACTER),
        ("甲1", PersonFault.CHARACTER),
        ("-甲", PersonFault.CHARACTER),
        ("甲\u202e乙", PersonFault.CHARACTER),
        ("\u0301", PersonFault.CHARACTER),
        ("甲" * (NAME_MAX + 1), PersonFault.TOO_LONG),
        ("甲" * 1_000, PersonFault.TOO_LONG),
    ],
)
def test_refuses_what_is_no_name(text: str, fault: PersonFault) -> None:
    with pytest.raises(InvalidPerson) as caught:
        read_name(text)
    assert caught.value.fault is fault


@pytest.mark.parametrize("text", ["", "1", "12345", "1234567", "12345678901234567", "+1", "甲乙"])
def test_masks_never_fail_and_hide_what_is_short(text: str) -> None:
    for masked in (masked_identity(text), masked_phone(text)):
        assert len(masked) == len(text)
        assert masked.count("*") >= min(4, len(text))
    assert text not in (masked_name(text), masked_openid(text)) or not text


def test_openids_are_hidden() -> None:
    assert masked_openid("wx0000:o6zAJs_0000000000") == "****000"
    assert masked_openid("short") == "****"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("owner of 粤B12345 called from 13800138000", "owner of 粤B·**345 called from 138****8000"),
        ("call +86 138-0013-8000", "call 138****8000"),
        ("call 86 13800138000 now", "call 138****8000 now"),
        ("call 138 0013 8000", "call 138****8000"),
        (f"id {CHAOYANG}", "id 1101**************"),
        ("order 20260101123456789012345", "order 20260101123456789012345"),
        ("12 boxes at 14:30", "12 boxes at 14:30"),
    ],
)
def test_personal_values_in_free_words_are_masked(said: str, kept: str) -> None:
    assert masked_words(said) == kept
