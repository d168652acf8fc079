"""The check that amounts never pass through floats finds what it shall find, and says where and what to do instead."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "check_money.py"
_spec = importlib.util.spec_from_file_location("check_money", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
checking = importlib.util.module_from_spec(_spec)
sys.modules["check_money"] = checking
_spec.loader.exec_module(checking)

HOME, ELSEWHERE = "contexts/payments/model/x.py", "simulator/x.py"


@pytest.mark.parametrize(
    ("snippet", "what", "instead"),
    [
        ("a = 0.1", "a float literal 0.1", "minor units"),
        ("a = float(text)", "float", "Decimal of a text"),
        ("def fee(a: int) -> float: ...", "float", "Money"),
        ("a = total / 2", "true division", "Fraction(a, b)"),
        ("total /= 2", "true division", "// and %"),
        ("a = round(total)", "round", "kernel.money.rounded"),
        ("import math\na = math.ceil(total)", "math.ceil", "kernel.money.rounded"),
        ("from math import ceil", "math counts in floats", "Fraction"),
        ("from statistics import mean", "statistics counts in floats", "Fraction"),
        ("a = 10 ** -2", "a negative power", "Fraction(a, b)"),
        ("a = f'{total:.2f}'", "a format that makes a float", "Money.amount_text"),
        ("a = Decimal(0.1)", "Decimal of a float", "Decimal('0.1')"),
        ("a = json.loads(text)", "json.loads makes floats of numbers", "parse_float=Decimal"),
        ("a = msgspec.json.decode(body)", "msgspec.json.decode without a shape makes floats", "type="),
        ("a = msgspec.json.decode(body, type=dict[str, Any])", "msgspec.json.decode without", "float_hook=Decimal"),
        ("a = JSONDecoder()", "JSONDecoder makes floats of numbers", "parse_float=Decimal"),
        ("a = answer.json()", "answer.json() makes floats of numbers", "into a shape"),
        ("a = select(func.avg(x))", "func.avg", "Fraction"),
        ("from sqlalchemy import Float", "a column of Float", "BigInteger"),
        ("wait_s = due_minor / 2", "true division", "Fraction(a, b)"),
    ],
)
def test_no_float_is_made_where_money_is_at_home(snippet: str, what: str, instead: str) -> None:
    found = checking.findings(HOME, f'"""Doc."""\n\n{snippet}\n')
    line = 2 + len(snippet.splitlines())
    assert any(one.line == line and one.what.startswith(what) and instead in one.instead for one in found), found
    assert str(found[-1]).startswith(f"{HOME}:{line}: ")


@pytest.mark.parametrize(
    ("snippet", "what"),
    [
        ("a = bill.due_minor / 100", "true division"),
        ("a = float(one.amount)", "float of money"),
        ("a = round(fee * 3)", "round of money"),
        ("amount = 2.5", "amount gets a float literal"),
        ("pay(total_fen=0.5)", "total_fen gets a float literal"),
        ("amount: float", "amount is a float"),
        ("def pay(price: float | None) -> None: ...", "price is a float"),
        ("a = price * 1.06", "money with a float literal"),
        ("a = f'{paid_minor:,.2f}'", "a format that makes a float"),
        ("from sqlalchemy import REAL", "a column of REAL"),
    ],
)
def test_no_name_of_money_meets_a_float_anywhere(snippet: str, what: str) -> None:
    assert what in [one.what for one in checking.findings(ELSEWHERE, snippet)]


@pytest.mark.parametrize(
    ("path", "snippet"),
    [
        (HOME, "REST_S = 0.01\nTOTAL_S, CONNECT_S = 5.0, 1.5"),
        (HOME, "def ask(within_s: float = 2.5) -> None:\n    wait(timeout_s=within_s / 2)"),
        (HOME, "a = msgspec.json.decode(body, type=Answer)\nb = json.loads(text, parse_float=Decimal)"),
        (HOME, "from math import gcd\na = total // 2\nb = Fraction(total, 3)\nc = f'{total:,}'"),
        (ELSEWHERE, "speed = 0.5\nshare = inside / spaces\na = Path(home) / 'x'\nb = round(speed)"),
    ],
)
def test_seconds_and_what_is_no_money_are_left_alone(path: str, snippet: str) -> None:
    assert checking.findings(path, snippet) == []


def test_seconds_end_with_their_value() -> None:
    found = checking.findings(HOME, "REST_S = 0.01\na = 0.5")
    assert [(one.line, one.what) for one in found] == [(2, "a float literal 0.5")]


def test_the_allowances_are_needed_and_give_reasons() -> None:
    used: set[object] = set()
    for one in checking.ALLOWED:
        assert one.reason
        text = (checking.SOURCES / one.files).read_text(encoding="utf-8")
        assert checking.findings(one.files, text, used) == []
    assert used == set(checking.ALLOWED)


def test_the_command_names_what_it_finds_and_fails(tmp_path: Path) -> None:
    (tmp_path / "kernel").mkdir()
    (tmp_path / "kernel" / "fees.py").write_text("FEE = 0.006\n")
    said = subprocess.run([sys.executable, str(SCRIPT), str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert said.returncode == 1
    assert said.stdout.startswith("kernel/fees.py:1: a float literal 0.006; write minor units")
