"""The groups of settings, each for one part of the house."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from openberth.infra.keys import Cipher
from openberth.infra.settings.values import (
    BrokerAddress,
    FilePath,
    LinkPath,
    Moment,
    Networks,
    Origins,
    Port,
    WebAddress,
)
from openberth.infra.telemetry import LogFormat, LogLevel


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


class MqttSettings(_Group):
    """Where devices that speak MQTT dial in, and with which certificate; or the outside MQTT 5 broker (its address may
    hold a password) that they are reached through, and then nothing is listened for.
    """

    host: str = "127.0.0.1"
    port: Port = 8422
    tls: TlsSettings | None = None
    broker: BrokerAddress | None = None


class SensorSettings(_Group):
    """Where geomagnetic collectors dial in (``geomagnetic_tcp``)."""

    host: str = "127.0.0.1"
    port: Port = 8423


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


class SmsSettings(_Group):
    """Short messages by Aliyun, with the codes that drivers sign in with: key, signature and template (its variable is
    ``code``), and how many are sent in a day at most, for they cost money.
    """

    access_key_id: Annotated[str, Field(min_length=1, max_length=64, pattern="^[0-9A-Za-z._-]+$")]
    access_key_secret: SecretStr
    sign_name: Annotated[str, Field(min_length=1, max_length=40)]
    template_code: Annotated[str, Field(min_length=1, max_length=40)]
    url: WebAddress = "https://dysmsapi.aliyuncs.com"
    codes_per_day: Annotated[int, Field(ge=1, le=10_000_000)] = 5_000


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
