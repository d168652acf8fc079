"""Where the server of a data folder says that it listens, and the token it admits operators with.

A room of its own, without imports: commands look here first, and most need nothing else of the program.
"""

import json
import os
from pathlib import Path

PLACE_FILE = "server.json"
RESTORED_FILE = "restored.json"  # left by a restore for the next start
TOKEN_FILE = "operator.token"  # noqa: S105 - a file name


def place_of(data: Path) -> dict[str, int] | None:
    """Return where the server of a data folder listens (pid and ports by their names), None when none runs."""
    try:
        found = json.loads((data / PLACE_FILE).read_text(encoding="utf-8"))
        os.kill(found["pid"], 0)
        return {name: int(found[name]) for name in ("pid", "port", "barrier_port", "mqtt_port", "sensor_port")}
    except (OSError, ValueError, KeyError, TypeError):
        return None
