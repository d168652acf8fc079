"""The catalogue: every code that src can raise has a text in both languages, and texts never raise."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeGuard

import pytest

from openberth.contexts.payments.model.entities import BillState
from openberth.contexts.stays.model.decisions import Right
from openberth.contexts.stays.model.entities import CaseKind
from openberth.contexts.tariffs.model import CapKind
from openberth.contexts.tenancy.model.permissions import PERMISSIONS, Role
from openberth.infra.catalogue import LANGUAGES, Catalogue, CatalogueError, catalogue, language_of, sentence, text
from openberth.kernel import errors
from openberth.kernel.persons import PersonFault
from openberth.kernel.plates import PlateFault

SOURCE = Path(__file__).parents[3] / "src" / "openberth"
# They speak their own protocols and never to people through the catalogue.
APART = ("sandbox", "simulator")
CODE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]*[a-z0-9])+\Z")  # a beginning such as "cap_" is completed elsewhere
# Codes of these domains are texts wherever they stand: they travel as data before they become words.
ALWAYS_TEXT = ("document.", "tariff.line.", "entry.", "exit.", "inner.", "notice.")
PROBLEMS = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.Problem)
}  # fmt: skip


@dataclass(frozen=True)
class Use:
    """A place in src that names a code, with the parameters it gives; None when they cannot be told."""

    code: str
    place: str
    params: frozenset[str] | None


@lru_cache(maxsize=1)
def uses() -> tuple[Use, ...]:
    trees = {
        path: ast.parse(path.read_text("utf-8"))
        for path in sorted(SOURCE.rglob("*.py"))
        if path.relative_to(SOURCE).parts[0] not in APART
    }
    names = _problem_names(list(trees.values()))
    return tuple(use for path, tree in trees.items() for use in _uses_in(tree, str(path.relative_to(SOURCE)), names))


def _problem_names(trees: list[ast.Module]) -> set[str]:
    """Return the names of Problem and everything derived from it, however deep."""
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    names = set(PROBLEMS)
    while True:
        more = {node.name for node in classes if names & {_name(base) for base in node.bases}} - names
        if not more:
            return names
        names |= more


def _uses_in(tree: ast.Module, place: str, names: set[str]) -> Iterator[Use]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name in names:
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and _name(call.func) == "__init__":
                    yield from _use_of(call, place)
        elif isinstance(node, ast.Call) and _name(node.func) in names | {"flaw"}:
            yield from _use_of(node, place)
        elif isinstance(node, ast.Constant) and _is_code(node.value) and node.value.startswith(ALWAYS_TEXT):
            yield Use(node.value, f"{place}:{node.lineno}", None)


def _use_of(call: ast.Call, place: str) -> Iterator[Use]:
    # A flaw has its path before its code; a Problem has the code first.
    for argument in call.args[:2]:
        if isinstance(argument, ast.Constant) and _is_code(argument.value):
            open_ended = any(keyword.arg is None for keyword in call.keywords)
            params = None if open_ended else frozenset(word.arg for word in call.keywords if word.arg)
            yield Use(argument.value, f"{place}:{call.lineno}", params)
            return


def _is_code(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and CODE.match(value) is not None


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def test_every_code_in_src_has_a_text() -> None:
    assert len(uses()) > 50  # the search itself works
    missing: dict[str, list[str]] = {}
    for use in uses():
        if use.code not in catalogue().codes():
            missing.setdefault(use.code, []).append(use.place)
    listed = "\n".join(f"  {code}  ({', '.join(places)})" for code, places in sorted(missing.items()))
    assert not missing, f"add these codes, zh and en, to infra/catalogue/messages:\n{listed}"


def test_every_text_gets_the_parameters_it_takes() -> None:
    wrong = []
    for use in uses():
        entry = catalogue().entry(use.code)
        if entry is not None and use.params is not None:
            lacking = sorted(entry.places("en") - use.params - {"retry_after_s"})
            if lacking:
                wrong.append(f"  {use.place}: {use.code} is raised without {', '.join(lacking)}")
    listed = "\n".join(wrong)
    assert not wrong, f"the text would show {{name}} to people; give the parameter or change the text:\n{listed}"


def test_the_search_sees_derived_problems_flaws_and_data() -> None:
    source = """
class Late(Refused):
    def __init__(self):
        super().__init__("a.derived", spot=1)
class Later(Late): ...
raise Later("b.deeper", **rest)
raise errors.NotFound("c.attribute", lot=lot)
flaw(("x",), "d.flaw", value=1)
note("document.some", 1)
log.info("e.logged")
"""
    tree = ast.parse(source)
    found = {use.code: use.params for use in _uses_in(tree, "x", _problem_names([tree]))}
    assert found == {
        "a.derived": {"spot"},
        "b.deeper": None,
        "c.attribute": {"lot"},
        "d.flaw": {"value"},
        "document.some": None,
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_every_language(language: str) -> None:
    gaps = [code for code in sorted(catalogue().codes()) if not _entry_texts(code).get(language)]
    assert gaps == []


def test_both_languages_take_the_same_parameters() -> None:
    differing = [code for code in sorted(catalogue().codes()) if len({*_places(code)}) != 1]
    assert differing == []


def test_texts_are_in_their_language_and_end_as_sentences_do() -> None:
    for code in sorted(catalogue().codes()):
        texts = _entry_texts(code)
        assert re.search("[一-鿿]", texts["zh"]), code
        assert not re.search("[一-鿿]", texts["en"]), code
        assert texts["zh"].endswith("。") == texts["en"].endswith("."), f"{code}: a sentence in one language only"


def test_braces_are_parameters_only() -> None:
    for code in sorted(catalogue().codes()):
        for words in _entry_texts(code).values():
            assert not re.search(r"[{}]", re.sub(r"\{[a-z][a-z0-9_]*(:[^|{}]+\|[^|{}]+)?\}", "", words)), code


def test_guides_name_no_code_without_a_text() -> None:
    docs = SOURCE.parents[1] / "docs"
    pages = [*(docs / "guides").glob("*.md"), *(docs / "devices").glob("*.md")]
    named = {found for page in pages for found in re.findall(r"4\d\d `([a-z_]+\.[a-z_]+)`", page.read_text("utf-8"))}
    assert "lane.nobody_waiting" in named
    assert named - catalogue().codes() == set()


def test_plate_faults_have_words() -> None:
    assert {f"plate.fault.{fault.value}" for fault in PlateFault} <= catalogue().codes()
    assert {f"person.fault.{fault.value}" for fault in PersonFault} <= catalogue().codes()


def test_codes_that_are_built_from_words_have_texts() -> None:
    built = {
        *(f"bill.{state.value}" for state in BillState if state is not BillState.OPEN),
        *(f"entry.{right.value}" for right in Right),
        *(f"exit.{right.value}" for right in Right if right is not Right.BLOCKED),
        *(f"case.{kind.value}" for kind in CaseKind),
        *(f"tariff.line.cap_{kind.value}" for kind in CapKind),
        *(f"permission.{word}" for word in PERMISSIONS),
        *(f"role.{role.value}" for role in Role),
    }
    assert built - catalogue().codes() == set()


def test_a_text_with_its_parameters() -> None:
    assert text("lot.not_found", "en", lot="mall") == "There is no lot mall, or you may not see it. Check the code."
    assert "mall" in text("lot.not_found", "zh", lot="mall")


def test_production_never_raises() -> None:
    small = Catalogue.parse([("x.yaml", 'a.b: {zh: "只有中文 {lot}。"}')])
    assert small.text("a.b", "en", lot=None) == "只有中文 。"
    assert small.text("a.b", "fr") == "只有中文 {lot}。"
    assert small.text("no.such_code", "zh", lot="x") == "no.such_code"
    assert small.text("a.b", "zh", lot="{lot}{0}{lot.__class__}") == "只有中文 {lot}{0}{lot.__class__}。"


def test_parameters_may_have_any_name() -> None:
    small = Catalogue.parse([("x.yaml", 'a.b: {zh: "{code}{language}{self}", en: x}')])
    assert small.text("a.b", "zh", code=1, language=True, self="s") == "1Trues"


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ([("x.yaml", "a.b: {zh: 一, en: one}\na.b: {zh: 二, en: two}")], "stands twice"),
        ([("x.yaml", "a.b: {zh: 一, en: one}"), ("y.yaml", "a.b: {zh: 二, en: two}")], "another file"),
        ([("x.yaml", "a.b: {zh: 一, fr: un}")], "fr"),
        ([("x.yaml", "a.b: {zh: 一, en: ''}")], "en"),
        ([("x.yaml", "a.b: just words")], "texts by language"),
        ([("x.yaml", "Not A Code: {zh: 一, en: one}")], "not a code"),
        ([("x.yaml", "- a list")], "mapping"),
        ([("x.yaml", "a: [")], "x.yaml"),
    ],
)
def test_a_broken_file_is_named(documents: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        Catalogue.parse(documents)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "zh"),
        ("", "zh"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("fr, en;q=0.5, zh;q=0.4", "en"),
        ("en;q=0.2, zh;q=0.9", "zh"),
        ("en;q=0", "zh"),
        ("fr", "zh"),
        ("EN-us", "en"),
        ("en;q=rubbish", "zh"),
        ("," * 10_000, "zh"),
    ],
)
def test_language_of_a_header(header: str | None, language: str) -> None:
    assert language_of(header) == language


def _entry_texts(code: str) -> dict[str, str]:
    entry = catalogue().entry(code)
    assert entry is not None
    return dict(entry.texts)


def _places(code: str) -> list[frozenset[str]]:
    entry = catalogue().entry(code)
    assert entry is not None
    # What has a name of its own in each language comes as ``band_zh`` and ``band_en``.
    return [frozenset(place.removesuffix(f"_{lang}") for place in entry.places(lang)) for lang in LANGUAGES]


@pytest.mark.parametrize(
    ("count", "words"), [(1, "1 mistake"), ("1", "1 mistake"), (0, "0 mistakes"), (21, "21 mistakes")]
)
def test_a_number_brings_the_word_for_one_or_for_more(count: object, words: str) -> None:
    """English has two forms, Chinese one; both take the same parameter."""
    found = Catalogue.parse([("a", "a.b: {zh: '{count} 处', en: 'has {count:mistake|mistakes}.'}")])
    assert found.text("a.b", "en", count=count) == f"has {words}."
    assert found.text("a.b", "zh", count=count) == f"{count} 处"
    assert found.text("a.b", "en") == "has {count:mistake|mistakes}."
    entry = found.entry("a.b")
    assert entry is not None
    assert entry.places("en") == entry.places("zh") == {"count"}


def test_a_reason_may_have_a_sentence_of_its_own() -> None:
    ended = sentence("tariff.not_computable", "en", {"reason": "calendar_ended", "day": "2027-01-01"})
    assert "2027-01-01" in ended
    other = sentence("tariff.not_computable", "en", {"reason": "gap"})
    assert other == text("tariff.not_computable", "en", reason="gap")
    assert sentence("tariff.not_computable", "zh", {}) == text("tariff.not_computable", "zh")
