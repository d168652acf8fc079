"""Whatever an answer holds, its node is cut out as it was sent; whatever else comes is no answer, and no fault."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openberth.providers.alipay import envelope

METHOD, NODE = "alipay.trade.query", "alipay_trade_query_response"
# Texts that look like the end of the node, like its signature, like another node.
TRICKS = ('"sign":"x"', "}", '","sign":"', "\\", '\\"', "/", "{", "error_response", NODE, "停", "\u2028", "😀", "\x00")
TEXTS = st.lists(st.one_of(st.sampled_from(TRICKS), st.text(max_size=5)), max_size=4).map("".join)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(TEXTS, st.integers(-(10**20), 10**20), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)
SPACES = st.sampled_from(("", " ", "\n", "\t \r\n"))


@st.composite
def written(draw: st.DrawFn, value: Any) -> str:
    """Return a value as some writer of JSON may write it."""
    text = json.dumps(value, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from((None, 0, 2))))
    return text.replace("/", "\\/") if draw(st.booleans()) else text


@st.composite
def answers(draw: st.DrawFn) -> tuple[str, str, str]:
    """Return an answer with its node and its signature."""
    node = draw(written(draw(st.dictionaries(TEXTS, VALUES, max_size=4))))
    signature = draw(st.text("ABCabc+/=", min_size=1, max_size=8))
    members = [(NODE, node), ("sign", draw(written(signature)))]
    others = st.sampled_from(("alipay_cert_sn", "more", "sign_type"))
    members += [(name, draw(written(draw(TEXTS)))) for name in draw(st.sets(others))]
    parts = []
    for name, text in draw(st.permutations(members)):
        before, colon, after, end = (draw(SPACES) for _ in range(4))
        parts.append(f'{before}"{name}"{colon}:{after}{text}{end}')
    return f"{draw(SPACES)}{{{','.join(parts)}}}{draw(SPACES)}", node, signature


@given(answers())
def test_the_node_and_its_signature_are_found_as_they_were_sent(answer: tuple[str, str, str]) -> None:
    text, node, signature = answer
    found = envelope.opened(text.encode(), METHOD)
    assert (found.node, found.signature, found.signed) == (node, signature, node.encode())


@given(answers(), st.data())
def test_what_is_damaged_is_no_answer_or_says_so(answer: tuple[str, str, str], data: st.DataObject) -> None:
    text, _, _ = answer
    at = data.draw(st.integers(0, len(text)))
    damaged = text[:at] + data.draw(st.sampled_from(("", "}", ",", '"', "{", "\\", text[:at]))) + text[at + 1 :]
    try:
        found = envelope.opened(damaged.encode(), METHOD)
    except ValueError:
        return
    assert found.node in damaged  # never written anew
    json.loads(found.node, strict=False)


@given(st.binary(max_size=80))
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of its kind
        envelope.opened(body, METHOD)
