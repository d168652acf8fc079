"""Types are ready before threads read by them, or the process ends: shown in a process of its own, and of our code."""

import ast
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from openberth.infra.shapes import Shape

PRODUCT = Path(__file__).resolve().parents[3] / "src" / "openberth"
# They do not share code with what they test, and each of them is one thread.
APART = ("simulator", "sandbox", "infra/shapes.py")

AT_ONCE = '''
import dataclasses, enum, sys, threading
from openberth.infra.shapes import Shape

sys.setswitchinterval(1e-6)  # threads take turns as often as they can
SOURCE = """
class Word(enum.StrEnum):
    A = "a"
    B = "b"

@dataclasses.dataclass(frozen=True, slots=True)
class Inner:
    x: int = 0
    word: Word = Word.A

@dataclasses.dataclass(frozen=True, slots=True)
class Outer:
    a: int = 1
    inner: tuple[Inner, ...] = ()
    named: dict[str, Inner] = dataclasses.field(default_factory=dict)
    word: Word = Word.A
"""
PLAIN = {"a": 2, "inner": [{"x": 1, "word": "b"}], "named": {"k": {"x": 3}}, "word": "b"}
for _ in range(100):
    exec(SOURCE, globals())  # types that nobody has read yet
    shape, go = Shape(Outer), threading.Barrier(4)

    def work():
        go.wait()
        assert shape.convert(PLAIN).inner[0].word == "b"

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
print("all read")
'''


def test_many_threads_read_a_type_for_the_first_time() -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE], capture_output=True, text=True, check=False, cwd=PRODUCT.parent
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "all read\n"), done.stderr


def test_a_shape_reads_json_and_plain_values() -> None:
    shape = Shape(tuple[int, ...])
    assert shape.read(b"[1, 2]") == shape.convert([1, 2]) == (1, 2)
    with pytest.raises(msgspec.ValidationError):
        shape.convert(["1"])


def test_nothing_is_read_as_a_type_but_through_a_shape() -> None:
    found = []
    for path in PRODUCT.rglob("*.py"):
        place = path.relative_to(PRODUCT).as_posix()
        if not place.startswith(APART):
            found += [f"{place}:{line}" for line in _typed_at_once(ast.parse(path.read_text(encoding="utf-8")))]
    assert found == []


def _typed_at_once(tree: ast.AST) -> list[int]:
    """Return the lines where msgspec is given a class as it reads; lists of plain values leave nothing behind."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    lines = []
    for call in calls:
        said = ast.unparse(call.func)
        typed = any(each.arg == "type" and ast.unparse(each.value)[:5] != "list[" for each in call.keywords)
        made = bool(call.args) or any(each.arg == "type" for each in call.keywords)
        is_decoder = said.startswith("msgspec.") and said.endswith(".Decoder") and made
        is_decode = said.startswith("msgspec.") and said.endswith(".decode") and typed
        if said == "msgspec.convert" or is_decode or is_decoder:
            lines.append(call.lineno)
    return lines
