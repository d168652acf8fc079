"""Puts the built pages into the wheel, so that whoever installs it needs neither Node nor npm."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Pages(BuildHookInterface[Any]):
    """Builds the pages where their sources are; a source distribution of a wheel has them built already."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is not built yet."""
        script = Path(self.root) / "scripts" / "faces.py"
        if self.target_name == "wheel" and script.exists() and (Path(self.root) / "apps").is_dir():
            subprocess.run([sys.executable, str(script), "build"], check=True)

    def dependencies(self) -> list[str]:
        """Return what the script itself needs."""
        return ["pyyaml>=6.0"]
