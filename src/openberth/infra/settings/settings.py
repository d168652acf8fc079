"""All settings together, where they come from, and the addresses that follow from them."""

import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import InitSettingsSource

from openberth.infra.catalogue import Language
from openberth.infra.settings.file import config_file
from openberth.infra.settings.groups import (
    AccountSettings,
    AuditSettings,
    BarrierSettings,
    ClockSettings,
    HttpSettings,
    LimitSettings,
    LogSettings,
    MqttSettings,
    S3Settings,
    SandpaySettings,
    SensorSettings,
    SmsSettings,
    VaultSettings,
    WechatSettings,
)
from openberth.infra.settings.values import CacheAddress, FilePath, WebAddress, words

ENV_PREFIX = "OPENBERTH_"
CONFIG_VARIABLE = "OPENBERTH_CONFIG"
Role = Literal["api", "devices", "worker"]
ROLES: tuple[Role, ...] = ("api", "devices", "worker")


def _reachable(host: str) -> str:
    """Return a host as it stands in an address; one that means every interface is this machine."""
    named = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared only
    return f"[{named}]" if ":" in named else named


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
    roles: Annotated[tuple[Role, ...], NoDecode, BeforeValidator(words), Field(min_length=1)] = ROLES
    http: HttpSettings = HttpSettings()
    barrier: BarrierSettings = BarrierSettings()
    mqtt: MqttSettings = MqttSettings()
    sensor: SensorSettings = SensorSettings()
    clock: ClockSettings = ClockSettings()
    log: LogSettings = LogSettings()
    s3: S3Settings | None = None
    sandpay: SandpaySettings | None = None
    accounts: AccountSettings = AccountSettings()
    vault: VaultSettings = VaultSettings()
    audit: AuditSettings = AuditSettings()
    wechat: WechatSettings | None = None
    sms: SmsSettings | None = None
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

    @property
    def sensor_base(self) -> str:
        """Return host and port that geomagnetic collectors dial."""
        host = urlsplit(self.public_url).hostname if self.public_url else None
        return f"{_reachable(host or self.sensor.host)}:{self.sensor.port}"

    @property
    def mqtt_base(self) -> str:
        """Return host and port that devices over MQTT dial: the outside broker if one is set, else as barriers do."""
        if self.mqtt.broker is not None:
            broker = urlsplit(self.mqtt.broker.get_secret_value())
            return f"{_reachable(broker.hostname or '')}:{broker.port or (8883 if broker.scheme == 'mqtts' else 1883)}"
        host = urlsplit(self.public_url).hostname if self.public_url else None
        return f"{_reachable(host or self.mqtt.host)}:{self.mqtt.port}"

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
        content = config_file(Path(name)) if name else {}
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
