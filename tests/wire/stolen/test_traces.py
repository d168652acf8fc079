"""The search itself: it finds a value however it is written."""

import base64
import binascii
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.wire.stolen.traces import forms_of, found_in, traces_in

VALUE = "粤B12345"


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("value", [VALUE, "13812345678", "欧阳晓晴"])
def test_base64_is_found_wherever_it_begins(value: str, before: str) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert found_in(encode(f"{before}{value}tail".encode()), {"it": value})


@pytest.mark.parametrize(
    "written",
    [
        f"x{VALUE}y".encode(),
        VALUE.encode("utf-16-le"),
        VALUE.encode("utf-16-be"),
        VALUE.encode("gb18030"),
        json.dumps({"plate": VALUE}).encode(),
        json.dumps(VALUE).upper().replace("\\U", "\\u").encode(),
        quote(VALUE).encode(),
        quote(VALUE).lower().encode(),
        binascii.hexlify(VALUE.encode()),
        repr(VALUE.encode()).encode(),
        VALUE[::-1].encode(),
    ],
)
def test_every_spelling_is_found(written: bytes) -> None:
    assert found_in(b"before" + written + b"after", {"it": VALUE})


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    assert found_in(json.dumps({"plate": "粤B·**345"}).encode(), {"it": VALUE}) == []
    assert len(forms_of(VALUE)) > 12
    (tmp_path / VALUE).write_text("")
    (tmp_path / "log").write_text(VALUE)
    assert traces_in([tmp_path], {"it": VALUE}) == ["log: it as utf-8", f"the name of {VALUE}: it as utf-8"]
