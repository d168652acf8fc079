"""Files that commands write: new ones, for their owner only."""

from pathlib import Path

import pytest

from openberth.entrypoints.cli.files import write_new
from openberth.kernel.errors import Refused


def test_a_file_is_written_for_its_owner_only(tmp_path: Path) -> None:
    write_new(tmp_path / "money.csv", b"1")
    assert (tmp_path / "money.csv").read_bytes() == b"1"
    assert (tmp_path / "money.csv").stat().st_mode & 0o077 == 0


def test_nothing_is_overwritten_and_no_link_is_followed(tmp_path: Path) -> None:
    theirs, link = tmp_path / "theirs", tmp_path / "link.csv"
    theirs.write_bytes(b"kept")
    link.symlink_to(theirs)
    (tmp_path / "dangling.csv").symlink_to(tmp_path / "nowhere")
    for path in (theirs, link, tmp_path / "dangling.csv", tmp_path / "no" / "folder.csv"):
        with pytest.raises(Refused, match=r"cli\.file"):
            write_new(path, b"mine")
    assert theirs.read_bytes() == b"kept"
    assert not (tmp_path / "nowhere").exists()
