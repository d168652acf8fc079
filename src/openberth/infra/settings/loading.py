"""Reading the settings of a process: every mistake in one sentence that names the setting and the remedy."""

import os
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from openberth.infra.settings.groups import ClockSettings
from openberth.infra.settings.settings import ENV_PREFIX, Settings
from openberth.kernel.errors import Malformed

# Of other commands and of tests: they share the prefix and are no settings.
FOREIGN_VARIABLES = ("OPENBERTH_CONFIG", "OPENBERTH_TEST_")


def load_settings(**overrides: Any) -> Settings:
    """Return the settings of this process.

    ``overrides`` come first (command line, tests). Raises ``Malformed``: ``settings.invalid`` with the setting and the
    reason, ``settings.unknown``, ``settings.file``, or a code of its own for settings that contradict each other.
    Values are never quoted, they may be secrets.
    """
    _refuse_unknown_variables()
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise _mistake(error.errors(include_url=False, include_context=False, include_input=False)[0]) from None
    except SettingsError as error:  # a whole group given as one variable that is not JSON
        raise Malformed("settings.invalid", setting="?", variable=f"{ENV_PREFIX}…", reason=str(error)) from None
    _check_together(settings)
    return settings


def _check_together(settings: Settings) -> None:
    if settings.keys.is_relative_to(settings.data):
        raise Malformed("settings.keys_in_data", keys=str(settings.keys), data=str(settings.data))
    heads = settings.audit.heads_folder
    if heads is not None and heads.is_relative_to(settings.data):
        raise Malformed("settings.heads_in_data", folder=str(heads), data=str(settings.data))
    clock = settings.clock
    if not settings.demo and clock != ClockSettings():
        raise Malformed("settings.clock_without_demo")
    if (clock.anchor_business is None) != (clock.anchor_machine is None):
        raise Malformed("settings.clock_anchors")
    if len(set(settings.roles)) != len(settings.roles):
        raise Malformed("settings.roles_twice")


def _refuse_unknown_variables() -> None:
    # pydantic-settings refuses unknown keys of files, but passes over unknown variables: a slip would do nothing.
    known = Settings.model_fields
    for variable in os.environ:
        if variable.startswith(ENV_PREFIX) and not variable.startswith(FOREIGN_VARIABLES):
            first = variable.removeprefix(ENV_PREFIX).lower().partition("__")[0]
            if first not in known:
                raise Malformed("settings.unknown", setting=variable, known=", ".join(sorted(known)))


def _mistake(error: ErrorDetails) -> Malformed:
    setting = ".".join(str(part) for part in error["loc"])
    variable = ENV_PREFIX + "__".join(str(part) for part in error["loc"]).upper()
    if error["type"] == "extra_forbidden":
        known = _group(str(error["loc"][0])).model_fields
        return Malformed("settings.unknown", setting=setting, known=", ".join(sorted(known)))
    reason = error["msg"].removeprefix("Value error, ")
    return Malformed("settings.invalid", setting=setting, variable=variable, reason=reason)


def _group(name: str) -> type[BaseModel]:
    """Return the group of settings of a name, all settings for a name that is none."""
    kind = Settings.model_fields[name].annotation if name in Settings.model_fields else Settings
    kinds = (each for each in (kind, *get_args(kind)) if isinstance(each, type) and issubclass(each, BaseModel))
    return next(kinds, Settings)
