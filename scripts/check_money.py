"""Find places where an amount could pass through a binary fraction: 0.1 + 0.2 is not 0.3, and a fen is lost.

Usage: check_money.py [FOLDER...]; the status is 1 when anything is found. Runs in ``make lint``. Standard library only.

Where money is at home (``HOME``) nothing makes a float at all: no ``float``, no float literal, no ``/``, ``round``,
``math`` and their like, no JSON whose numbers become floats. Everywhere else nothing of the kind touches a name that
says money (``due_minor``, ``amount``, ``fee``, ...). What is no money although it looks so stands in ``ALLOWED``, with
its reason; an entry that nothing needs any more is an error, too.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "openberth"

HOME = ("kernel/", "contexts/payments/", "contexts/tariffs/", "contexts/stays/", "contexts/insight/", "providers/")
MONEY_NAME = re.compile(
    r"(?:^|_)(?:minor|amounts?|fen|fees?|cents?|yuan|prices?|paid|refunded|surplus|balance|payout)(?:_(?:minor|fen|e4))?$"
)
SECONDS_NAME = re.compile(r"_s$", re.IGNORECASE)
FLOAT_COLUMNS = frozenset({"Float", "FLOAT", "REAL", "Double", "DOUBLE", "DOUBLE_PRECISION"})
FLOAT_MODULES = frozenset({"math", "statistics", "cmath"})
WHOLE = frozenset({"gcd", "lcm", "isqrt", "comb", "perm", "factorial", "prod"})  # what of math stays with whole numbers
INSTEAD_OF_DIVISION = "divide exactly: Fraction(a, b) and kernel.money.rounded once, or // and % on whole minor units"


@dataclass(frozen=True, slots=True)
class Allowed:
    """Floats that are no money: in files that begin so, on lines that hold the text."""

    files: str
    text: str
    reason: str


ALLOWED = (
    Allowed("contexts/tariffs/document/checks/bands.py", "_LIKENESS", "how like two words are"),
    Allowed("contexts/tariffs/document/checks/bands.py", "get_close_matches(", "how like two words are"),
    Allowed("contexts/stays/reactions/retention.py", "ends: float", "a moment of the event loop's clock"),
    Allowed("contexts/stays/reactions/retention.py", "def _now()", "a moment of the event loop's clock"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A place and what to do instead."""

    path: str
    line: int
    what: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}; {self.instead}"


def check(sources: Path) -> list[Finding]:
    """Return what is wrong in a folder of sources."""
    used: set[Allowed] = set()
    found: list[Finding] = []
    for path in sorted(sources.rglob("*.py")):
        found += findings(path.relative_to(sources).as_posix(), path.read_text(encoding="utf-8"), used)
    if sources == SOURCES:
        found += [
            Finding(one.files, 1, f"nothing needs the allowance for {one.text!r}", "delete it from ALLOWED")
            for one in ALLOWED
            if one not in used
        ]
    return found


def findings(path: str, text: str, used: set[Allowed] | None = None) -> list[Finding]:
    """Return what is wrong in a file; ``path`` is relative to the package, ``used`` gets the allowances it needs."""
    lines = text.splitlines()
    walk = _Walk(is_home=path.startswith(HOME))
    walk.visit(ast.parse(text, filename=path))
    kept = []
    for line, what, instead in sorted(set(walk.found)):
        allowed = next((one for one in ALLOWED if path == one.files and one.text in lines[line - 1]), None)
        if allowed is None:
            kept.append(Finding(path, line, what, instead))
        elif used is not None:
            used.add(allowed)
    return kept


class _Walk(ast.NodeVisitor):
    """Collects (line, what, instead). At home everything counts, elsewhere what touches a name of money."""

    def __init__(self, *, is_home: bool) -> None:
        self.found: list[tuple[int, str, str]] = []
        self._is_home = is_home
        self._seconds = 0  # how many values around us are spans or moments in seconds by their names

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, float):
            self._at_home(node, f"a float literal {node.value!r}", "write minor units, or Fraction('0.1')")

    def visit_Name(self, node: ast.Name) -> None:
        if node.id == "float":
            self._at_home(node, "float", "use int minor units, Money, Fraction or Decimal of a text")

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self._operation(node, node.op, (node.left, node.right))
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._operation(node, node.op, (node.target, node.value))
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        targets = [name for one in node.targets for name in _names(one)]
        self._bound(node, targets, node.value, None)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._bound(node, list(_names(node.target)), node.value, node.annotation)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._bound(node, list(_names(node.target)), node.value, None)

    def visit_keyword(self, node: ast.keyword) -> None:
        self._bound(node, [node.arg or ""], node.value, None)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        defaults = [*node.args.defaults, *(one for one in node.args.kw_defaults if one is not None)]
        for one in arguments:
            self._bound(one, [one.arg], None, one.annotation)
        seconds = any(SECONDS_NAME.search(one.arg) for one in arguments)
        self._within(seconds, defaults)
        if node.returns is not None:
            self._bound(node, [node.name], None, node.returns)
        for part in (*node.decorator_list, *node.body):
            self.visit(part)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_FormattedValue(self, node: ast.FormattedValue) -> None:
        spec = node.format_spec
        last = spec.values[-1] if isinstance(spec, ast.JoinedStr) and spec.values else None
        makes_float = isinstance(last, ast.Constant) and str(last.value)[-1:] in tuple("fFeEgG%")
        if makes_float and (self._is_home or _money_in(node.value)):
            self._add(node, "a format that makes a float", "use Money.amount_text, or divmod and {:02d}")
        self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if (node.module or "").startswith("sqlalchemy"):
            for one in node.names:
                if one.name in FLOAT_COLUMNS:
                    self._add(node, f"a column of {one.name}", "keep whole units in BigInteger")
        if node.module in FLOAT_MODULES and not {one.name for one in node.names} <= WHOLE:
            self._at_home(node, f"{node.module} counts in floats", "use Fraction and kernel.money.rounded")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Name) and node.value.id in FLOAT_MODULES and node.attr not in WHOLE:
            self._at_home(node, f"{node.value.id}.{node.attr}", "use Fraction and kernel.money.rounded")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        called = ast.unparse(node.func)
        keywords = {one.arg for one in node.keywords}
        if called in ("float", "round", "math.floor", "math.ceil", "math.fsum") and any(map(_money_in, node.args)):
            self._add(node, f"{called} of money", INSTEAD_OF_DIVISION)
        elif called == "round":
            self._at_home(node, "round", "use kernel.money.rounded, which names its rule")
        elif called.endswith(("truediv", "func.avg")) or (called == "pow" and _negative(node.args[-1])):
            self._at_home(node, called, INSTEAD_OF_DIVISION)
        elif called in ("Decimal", "Fraction") and any(_is_float(one) for one in node.args):
            self._add(node, f"{called} of a float", f"give it a text: {called}('0.1')")
        elif called in ("json.loads", "json.load") and "parse_float" not in keywords:
            self._at_home(node, f"{called} makes floats of numbers", "give it parse_float=Decimal")
        elif called.endswith(("json.decode", "json.Decoder")) and not (keywords & {"float_hook"} or _shaped(node)):
            self._at_home(node, f"{called} without a shape makes floats", "give it a type=, or float_hook=Decimal")
        elif called.endswith("JSONDecoder") and "parse_float" not in keywords:
            self._at_home(node, f"{called} makes floats of numbers", "give it parse_float=Decimal")
        elif called.endswith(".json") and not node.args and "parse_float" not in keywords:
            self._at_home(node, f"{called}() makes floats of numbers", "decode the bytes into a shape")
        self.generic_visit(node)

    def _operation(self, node: ast.expr | ast.stmt, operator: ast.operator, sides: tuple[ast.expr, ast.expr]) -> None:
        if isinstance(operator, ast.Div):
            money = any(map(_money_in, sides))
            if self._is_home or money:
                self._unless_seconds(node, "true division", INSTEAD_OF_DIVISION, sure=money)
        elif isinstance(operator, ast.Pow) and _negative(sides[1]):
            if self._is_home or _money_in(sides[0]):
                self._add(node, "a negative power", INSTEAD_OF_DIVISION)
        elif not self._is_home and any(map(_is_float, sides)) and any(map(_money_in, sides)):
            self._add(node, "money with a float literal", "write minor units, or Fraction('0.1')")

    def _bound(self, node: ast.AST, names: list[str], value: ast.expr | None, annotation: ast.expr | None) -> None:
        """Look at a name that gets a value or a type: money must get no float, seconds may."""
        if not self._is_home and any(MONEY_NAME.search(name) for name in names):
            if annotation is not None and any(_is_named(one, "float") for one in ast.walk(annotation)):
                self._add(node, f"{names[0]} is a float", "make it int minor units or Money")
            if value is not None and any(map(_is_float, _values(value))):
                self._add(node, f"{names[0]} gets a float literal", "write minor units, or Money.of('2.50', 'CNY')")
        seconds = bool(names) and all(SECONDS_NAME.search(name) for name in names)
        self._within(seconds, [one for one in (annotation, value) if one is not None])

    def _within(self, seconds: bool, parts: Iterable[ast.AST]) -> None:
        self._seconds += seconds
        for part in parts:
            self.visit(part)
        self._seconds -= seconds

    def _at_home(self, node: ast.AST, what: str, instead: str) -> None:
        if self._is_home:
            self._unless_seconds(node, what, instead, sure=False)

    def _unless_seconds(self, node: ast.AST, what: str, instead: str, *, sure: bool) -> None:
        if sure or not self._seconds:
            self._add(node, what, instead)

    def _add(self, node: ast.AST, what: str, instead: str) -> None:
        self.found.append((getattr(node, "lineno", 1), what, instead))


def _names(target: ast.expr) -> Iterator[str]:
    """Yield the last words of what is assigned to."""
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Attribute):
        yield target.attr
    elif isinstance(target, (ast.Tuple, ast.List)):
        for one in target.elts:
            yield from _names(one)


def _values(value: ast.expr) -> Iterator[ast.expr]:
    yield value
    if isinstance(value, (ast.Tuple, ast.List, ast.Set)):
        yield from value.elts


def _money_in(node: ast.AST) -> bool:
    """Tell whether a name anywhere in an expression says money."""
    words = (
        one.id if isinstance(one, ast.Name) else one.attr if isinstance(one, ast.Attribute) else ""
        for one in ast.walk(node)
    )
    return any(MONEY_NAME.search(word) for word in words)


def _is_float(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, float)


def _is_named(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _shaped(node: ast.Call) -> bool:
    shape = next((one.value for one in node.keywords if one.arg == "type"), None)
    return shape is not None and not any(_is_named(one, "Any") for one in ast.walk(shape))


def _negative(node: ast.AST) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def main() -> None:
    folders = [Path(one) for one in sys.argv[1:]] or [SOURCES]
    found = [one for folder in folders for one in check(folder)]
    for one in found:
        print(one)
    if found:
        print(f"{len(found)} places where an amount could pass through a float (CONTRIBUTING.md says why)")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
