"""The settings: environment over file over defaults.

Every setting has one name, e.g. ``http.port`` in the YAML file that ``OPENBERTH_CONFIG`` names and
``OPENBERTH_HTTP__PORT`` in the environment. A setting nobody knows is an error, not a comment. Without any settings
OpenBerth runs on this machine alone: SQLite in the data folder, HTTP on the loopback.
"""

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError
from pydantic_settings.sources import InitSettingsSource

from openberth.infra.catalogue import Language
from openberth.infra.keys import Cipher
from openberth.infra.telemetry import LogFormat, LogLevel
from openberth.kernel.errors import Malformed
from openberth.kernel.time import Instant, from_iso

ENV_PREFIX = "OPENBERTH_"
CONFIG_VARIABLE = "OPENBERTH_CONFIG"
# Of other commands and of tests: they share the prefix and are no settings.
FOREIGN_VARIABLES = ("OPENBERTH_CONFIG", "OPENBERTH_TEST_")
MAX_CONFIG_BYTES = 1_000_000

Role = Literal["api", "devices", "worker"]
ROLES: tuple[Role, ...] = ("api", "devices", "worker")
Port = Annotated[int, Field(ge=0, le=65_535)]  # 0: any free one, for tests


def _web_address(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise ValueError("it must be an address such as https://parking.example.com")
    return text.rstrip("/")


def _instant(value: object) -> object:
    if isinstance(value, str):
        return from_iso(value)
    if hasattr(value, "isoformat"):  # YAML reads a time stamp by itself
        return from_iso(value.isoformat())
    return value


def _words(value: object) -> object:
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _networks(texts: tuple[str, ...] | str) -> tuple[str, ...]:
    for text in texts:
        try:
            network = ip_network(text)
        except ValueError:
            raise ValueError("addresses and networks are expected, such as 10.0.0.1 or 10.1.0.0/16") from None
        if network.prefixlen == 0:
            raise ValueError("a network of everybody would believe everybody")
    return tuple(texts)


def _origins(texts: tuple[str, ...] | str) -> tuple[str, ...]:
    for text in texts:
        url = urlsplit(text)
        if url.scheme not in ("http", "https") or not url.hostname or text != f"{url.scheme}://{url.netloc}":
            raise ValueError("origins are expected, such as https://console.example.com; * is none")
    return tuple(texts)


def _cache_address(text: SecretStr) -> SecretStr:
    url = urlsplit(text.get_secret_value())
    if url.scheme not in ("redis", "rediss") or not url.hostname:
        raise ValueError("it must be an address such as redis://127.0.0.1:6379/0")
    return text


def _reachable(host: str) -> str:
    """Return a host as it stands in an address; one that means every interface is this machine."""
    named = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared only
    return f"[{named}]" if ":" in named else named


def _expanded(path: Path) -> Path:
    return path.expanduser().resolve()


def _absolute(path: Path) -> Path:
    # Links stay: whoever renews certificates points the same link to another file.
    return path.expanduser().absolute()


WebAddress = Annotated[str, AfterValidator(_web_address)]
# With ``str`` beside it the environment need not be JSON: 10.0.0.1,10.1.0.0/16.
Networks = Annotated[tuple[str, ...] | str, BeforeValidator(_words), AfterValidator(_networks)]
Origins = Annotated[tuple[str, ...] | str, BeforeValidator(_words), AfterValidator(_origins)]
CacheAddress = Annotated[SecretStr, AfterValidator(_cache_address)]
Moment = Annotated[Instant, BeforeValidator(_instant)]
FilePath = Annotated[Path, AfterValidator(_expanded)]
LinkPath = Annotated[Path, AfterValidator(_absolute)]


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TlsSettings(_Group):
    """Certificate chain and private key (PEM files) that HTTP is served with; both are read anew when they change."""

    certificate_file: LinkPath
    key_file: LinkPath


class HttpSettings(_Group):
    """Where HTTP is served, behind which reverse proxies (addresses and networks; none are believed without), with
    which certificate, and pages of which other origins may read answers (none without).
    """

    host: str = "127.0.0.1"
    port: Port = 8420
    trusted_proxies: Networks = ()
    tls: TlsSettings | None = None
    cors_origins: Origins = ()

    @property
    def scheme(self) -> str:
        """Return how it is served."""
        return "http" if self.tls is None else "https"


class BarrierSettings(_Group):
    """Where barriers dial in (``barrier_tcp``)."""

    host: str = "127.0.0.1"
    port: Port = 8421


class ClockSettings(_Group):
    """Business time of a demo: how fast it runs, and where both clocks met (RFC 3339; both or none)."""

    speed: Annotated[int, Field(ge=1, le=10_000)] = 1
    anchor_business: Moment | None = None
    anchor_machine: Moment | None = None


class S3Settings(_Group):
    """A bucket for pictures instead of the data folder."""

    endpoint: WebAddress
    bucket: Annotated[str, Field(min_length=3, max_length=63)]
    access_key: SecretStr
    secret_key: SecretStr
    region: str = "us-east-1"
    prefix: str = ""


class SandpaySettings(_Group):
    """The sandbox payment channel: where it is, who we are there, our private key and its public key (PEM files)."""

    url: WebAddress
    merchant: Annotated[str, Field(min_length=1, max_length=64)]
    private_key_file: FilePath
    public_key_file: FilePath


class AccountSettings(_Group):
    """How access tokens are signed (``RS256`` for readers that know no Ed25519), and whether officers and company
    managers may do anything before they have a second factor.
    """

    algorithm: Literal["Ed25519", "RS256"] = "Ed25519"
    second_factor_for_administrators: bool = False
    fresh_minutes: Annotated[int, Field(ge=0, le=720)] = 15  # how long a proof is good for gates by hand and refunds


class VaultSettings(_Group):
    """How new keys seal personal values; keys that exist stay what they are."""

    algorithm: Cipher = Cipher.AES


class AuditSettings(_Group):
    """A folder into which the head of the audit trail is written every day: outside of the data, best on another
    machine.
    """

    heads_folder: FilePath | None = None


class WechatSettings(_Group):
    """The mini-program that drivers sign in with."""

    appid: Annotated[str, Field(min_length=1, max_length=64)]
    secret: SecretStr
    url: WebAddress = "https://api.weixin.qq.com"


class LimitSettings(_Group):
    """How much one address and one account may ask in a minute, and one camera push (a sixth of it at once); and how
    many wrong tokens one address may show.
    """

    address_per_minute: Annotated[int, Field(ge=60, le=10_000_000)] = 12_000
    account_per_minute: Annotated[int, Field(ge=60, le=10_000_000)] = 3_000
    device_per_minute: Annotated[int, Field(ge=600, le=10_000_000)] = 6_000
    wrong_tokens_per_minute: Annotated[int, Field(ge=5, le=10_000_000)] = 60


class LogSettings(_Group):
    """How much is logged and in which form."""

    level: LogLevel = "info"
    format: LogFormat = "auto"


def _data_home() -> Path:
    return _xdg("XDG_DATA_HOME", ".local/share") / "openberth"


def _key_file() -> Path:
    return _xdg("XDG_CONFIG_HOME", ".config") / "openberth" / "keys.json"


def _xdg(variable: str, default: str) -> Path:
    # The XDG base directory specification: a relative path counts as not set.
    path = Path(os.environ.get(variable, ""))
    return path if path.is_absolute() else Path.home() / default


class Settings(BaseSettings):
    """All settings of a process. Made by ``load_settings``, which words mistakes in one sentence each."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    data: FilePath = Field(default_factory=_data_home)
    keys: FilePath = Field(default_factory=_key_file)
    database: SecretStr | None = None  # may hold a password
    public_url: WebAddress | None = None
    language: Language = "zh"
    demo: bool = False
    roles: Annotated[tuple[Role, ...], NoDecode, BeforeValidator(_words), Field(min_length=1)] = ROLES
    http: HttpSettings = HttpSettings()
    barrier: BarrierSettings = BarrierSettings()
    clock: ClockSettings = ClockSettings()
    log: LogSettings = LogSettings()
    s3: S3Settings | None = None
    sandpay: SandpaySettings | None = None
    accounts: AccountSettings = AccountSettings()
    vault: VaultSettings = VaultSettings()
    audit: AuditSettings = AuditSettings()
    wechat: WechatSettings | None = None
    limits: LimitSettings = LimitSettings()
    cache: CacheAddress | None = None  # may hold a password

    @property
    def database_url(self) -> str:
        """Return the address of the database: the one set, or SQLite in the data folder."""
        return self.database.get_secret_value() if self.database else f"sqlite:///{self.data / 'openberth.db'}"

    @property
    def cache_url(self) -> str | None:
        """Return the address of the cache, None for the memory of each process."""
        return None if self.cache is None else self.cache.get_secret_value()

    @property
    def public_base(self) -> str:
        """Return the address under which people and channels reach this service, without a slash at the end."""
        return self.public_url or f"{self.http.scheme}://{_reachable(self.http.host)}:{self.http.port}"

    @property
    def barrier_base(self) -> str:
        """Return host and port that barriers dial: the public host if one is set, else where they are listened for."""
        host = urlsplit(self.public_url).hostname if self.public_url else None
        return f"{_reachable(host or self.barrier.host)}:{self.barrier.port}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, then the file that ``OPENBERTH_CONFIG`` names."""
        del dotenv_settings, file_secret_settings
        name = os.environ.get(CONFIG_VARIABLE)
        content = _config_file(Path(name)) if name else {}
        return init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=content)


def texts_of(settings: BaseModel, prefix: str = "") -> dict[str, str]:
    """Return every setting as text by its name, secrets too: only for digests, never for people or logs."""
    texts: dict[str, str] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            texts |= texts_of(value, f"{prefix}{name}.")
        elif isinstance(value, SecretStr):
            texts[prefix + name] = value.get_secret_value()
        elif value is not None:
            texts[prefix + name] = str(value)
    return texts


_GROUPS: dict[str, type[BaseModel]] = {
    "http": HttpSettings,
    "barrier": BarrierSettings,
    "clock": ClockSettings,
    "log": LogSettings,
    "s3": S3Settings,
    "sandpay": SandpaySettings,
    "accounts": AccountSettings,
    "vault": VaultSettings,
    "audit": AuditSettings,
    "wechat": WechatSettings,
    "limits": LimitSettings,
}


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
        group = _GROUPS.get(str(error["loc"][0]), Settings)
        return Malformed("settings.unknown", setting=setting, known=", ".join(sorted(group.model_fields)))
    reason = error["msg"].removeprefix("Value error, ")
    return Malformed("settings.invalid", setting=setting, variable=variable, reason=reason)


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


def _config_file(path: Path) -> dict[str, Any]:
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
