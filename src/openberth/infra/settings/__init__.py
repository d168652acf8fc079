"""The settings: environment over file over defaults.

Every setting has one name, e.g. ``http.port`` in the YAML file that ``OPENBERTH_CONFIG`` names and
``OPENBERTH_HTTP__PORT`` in the environment. A setting nobody knows is an error, not a comment. Without any settings
OpenBerth runs on this machine alone: SQLite in the data folder, HTTP on the loopback.
"""

from openberth.infra.settings.groups import S3Settings, TlsSettings
from openberth.infra.settings.loading import load_settings
from openberth.infra.settings.settings import CONFIG_VARIABLE, ENV_PREFIX, Settings, texts_of

__all__ = ["CONFIG_VARIABLE", "ENV_PREFIX", "S3Settings", "Settings", "TlsSettings", "load_settings", "texts_of"]
