"""Revisions only expand: what the program before needs stays until a release later.

A revision that removes names, in ``CONTRACTS``, the earlier revision that made the thing obsolete; a release lies
between the two. Without it every removal or change is refused here.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import openberth.migrations

VERSIONS = Path(openberth.migrations.__path__[0]) / "versions"
FILES = sorted(VERSIONS.glob("*.py"))
# What a revision may call: the steps, that add and nothing else.
SHAPES = {"ident", "word", "json", "big", "number", "flag", "octets", "check"}
ADDING = {"create_table", "create_index", "add_column", "append_only", "copy_rows", "seed"} | SHAPES
BUILTIN = {"range", "list", "tuple"}


def complaints(text: str, known: set[str]) -> list[str]:
    """Return what a revision does besides adding."""
    tree = ast.parse(text)
    contracts = _constant(tree, "CONTRACTS")
    if contracts is not None:
        return [] if contracts in known else [f"CONTRACTS names {contracts}, which is no earlier revision"]
    return sorted(set(_refused(tree)))


def _refused(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module != "openberth.migrations.steps":
            yield f"imports from {node.module}: a revision is frozen and uses the steps alone"
        elif isinstance(node, ast.Import):
            yield f"imports {node.names[0].name}: a revision is frozen and uses the steps alone"
        elif isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
            if name not in ADDING | BUILTIN:
                yield f"calls {name}, which is no step that adds"
        elif isinstance(node, ast.FunctionDef) and node.name != "upgrade":
            yield f"defines {node.name}: there is no way down, and steps live in openberth.migrations.steps"


def _constant(tree: ast.Module, name: str) -> object:
    for node in tree.body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]:
            return ast.literal_eval(node.value)
    return None


def _revision(path: Path) -> object:
    return _constant(ast.parse(path.read_text("utf-8")), "revision")


def test_revisions_follow_one_another() -> None:
    before = None
    assert FILES
    for number, path in enumerate(FILES, start=1):
        tree = ast.parse(path.read_text("utf-8"))
        assert _constant(tree, "revision") == f"{number:04}" == path.stem[:4]
        assert _constant(tree, "down_revision") == before
        before = f"{number:04}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_revision_only_adds(path: Path) -> None:
    earlier = {str(_revision(other)) for other in FILES if other < path}
    assert complaints(path.read_text("utf-8"), earlier) == []


STEPS = "from openberth.migrations.steps import add_column, create_table, ident\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("def upgrade():\n    op.drop_table('stay')", "calls op.drop_table"),
        ("def upgrade():\n    op.execute('ALTER TABLE stay DROP COLUMN right')", "calls op.execute"),
        ("def upgrade():\n    drop_column('stay', 'right')", "calls drop_column"),
        ("def upgrade():\n    op.alter_column('stay', 'right')", "calls op.alter_column"),
        ("from alembic import op", "imports from alembic"),
        ("import sqlalchemy as sa", "imports sqlalchemy"),
        ("from openberth.infra.database.schema import metadata", "imports from openberth.infra"),
        ("def downgrade():\n    pass", "defines downgrade"),
        ("CONTRACTS = '0007'", "no earlier revision"),
    ],
)
def test_the_rule_sees_what_does_not_add(text: str, complaint: str) -> None:
    (found,) = complaints(STEPS + text, {"0001"})
    assert complaint in found


def test_a_contraction_says_what_it_takes_back() -> None:
    text = "CONTRACTS = '0001'\nfrom alembic import op\ndef upgrade():\n    op.drop_column('stay', 'right')"
    assert complaints(text, {"0001"}) == []
    assert complaints(STEPS + "def upgrade():\n    add_column('stay', ident('x', null=True))", set()) == []
