"""The file of settings that ``OPENBERTH_CONFIG`` names."""

from pathlib import Path
from typing import Any

import yaml

from openberth.kernel.errors import Malformed

MAX_CONFIG_BYTES = 1_000_000


class _OneOfAKey(yaml.SafeLoader):
    """Takes a key once: of two the parser keeps the last and tells nobody."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping, or refuse one that names a key twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value} stands here twice", key.start_mark)
            if isinstance(key.value, str):
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def config_file(path: Path) -> dict[str, Any]:
    """Return what a file sets, as it stands there. Raises ``Malformed``: ``settings.file`` with the place."""
    try:
        with path.expanduser().open("rb") as file:
            content = _OneOfAKey(file.read(MAX_CONFIG_BYTES)).get_single_data()
    except OSError as error:
        raise Malformed("settings.file", path=str(path), reason=error.strerror) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: {getattr(error, 'problem', '')}" if mark else "not YAML"
        raise Malformed("settings.file", path=str(path), reason=place) from None
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise Malformed("settings.file", path=str(path), reason="a mapping of settings is expected")
    return content
