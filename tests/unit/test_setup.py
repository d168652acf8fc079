"""The environment's own script runs wherever the checkout lies."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("setup_script", ROOT / "scripts" / "setup.py")
assert _spec is not None
assert _spec.loader is not None
setup = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(setup)


@pytest.mark.parametrize("folder", ["plain", "with blanks", "泊位 车场", "x" * 130])
def test_a_script_finds_its_interpreter(tmp_path: Path, folder: str) -> None:
    home = tmp_path / folder
    home.mkdir()
    python = home / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    script = home / "openberth"
    script.write_text(f"{setup.first_lines(python)}import sys\nprint(sys.argv[1:])\n", encoding="utf-8")
    script.chmod(0o755)
    said = subprocess.run([str(script), "a b", "'c'"], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout == """['a b', "'c'"]\n"""
