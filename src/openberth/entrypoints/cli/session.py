"""What all commands of one run share: language, which server and data they mean, and where they print."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from openberth.infra.catalogue import LANGUAGES, Language, text
from openberth.kernel.errors import Problem

# The settings themselves are imported where they are read: help and version do without them, and start twice as fast.
if TYPE_CHECKING:
    from openberth.infra.settings import Settings

LOG_NAME = "openberth-cli.log"
LANGUAGE_VARIABLE, CONFIG_VARIABLE = "OPENBERTH_LANGUAGE", "OPENBERTH_CONFIG"
# In the order in which POSIX looks at them (IEEE Std 1003.1, chapter 8.2).
LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


@dataclass(slots=True)
class Session:
    """One run of the command line."""

    language: Language
    data: Path | None = None
    keys: Path | None = None
    url: str | None = None
    token_file: Path | None = None
    out: Console = field(default_factory=Console)

    def say(self, code: str, /, **params: object) -> str:
        """Return a text of the catalogue in the language of this run."""
        return text(code, self.language, **params)

    def name_of(self, names: object, otherwise: str = "") -> str:
        """Return a name that the API writes as ``{"zh": …, "en": …}``, in the language of this run."""
        if isinstance(names, Mapping):
            return str(names.get(self.language) or next(iter(names.values()), otherwise))
        return str(names) if names else otherwise

    def settings(self, **overrides: Any) -> "Settings":
        """Return the settings with what the command line said about them. Raises ``Malformed``."""
        from openberth.infra.settings import load_settings

        said = {"data": self.data, "keys": self.keys, **overrides}
        return load_settings(**{name: value for name, value in said.items() if value is not None})

    def log_file(self) -> Path:
        """Return where this run writes what is not for people: the data folder, or a place of the user's own."""
        try:
            folder = self.settings().data
        except Problem:
            folder = self.data or Path()
        if folder.is_dir() and os.access(folder, os.W_OK):
            return folder / LOG_NAME
        uid = os.getuid() if hasattr(os, "getuid") else ""
        return Path(tempfile.gettempdir()) / f"openberth-cli-{uid}.log"


def chosen_language(said: str | None, environment: Mapping[str, str]) -> Language:
    """Choose the language: said on the command line, set for OpenBerth, else that of the terminal's locale.

    A locale that is not Chinese gives English, which every terminal can show.
    """
    for wanted in (said, environment.get(LANGUAGE_VARIABLE)):
        for language in LANGUAGES:
            if wanted == language:
                return language
    if CONFIG_VARIABLE in environment:
        from openberth.infra.settings import load_settings

        try:
            settings = load_settings()
        except Problem:
            pass  # the command itself will say what is wrong with them
        else:
            if "language" in settings.model_fields_set:
                return settings.language
    locale = next((environment[name] for name in LOCALE_VARIABLES if environment.get(name)), "")
    return "zh" if locale.lower().startswith("zh") else "en"
