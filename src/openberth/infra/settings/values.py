"""The kinds of values that settings are made of, each with the sentence that says what is wrong."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from openberth.kernel.time import Instant, from_iso

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


def words(value: object) -> object:
    """Return a text with commas as the words between them; anything else as it is."""
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


def _broker_address(text: SecretStr) -> SecretStr:
    url = urlsplit(text.get_secret_value())
    if (
        url.scheme not in ("mqtt", "mqtts")
        or not url.hostname
        or url.query
        or url.fragment
        or url.path not in ("", "/")
    ):
        raise ValueError("it must be an address such as mqtts://user:password@broker.example.com:8883")
    return text


def _expanded(path: Path) -> Path:
    return path.expanduser().resolve()


def _absolute(path: Path) -> Path:
    # Links stay: whoever renews certificates points the same link to another file.
    return path.expanduser().absolute()


WebAddress = Annotated[str, AfterValidator(_web_address)]
# With ``str`` beside it the environment need not be JSON: 10.0.0.1,10.1.0.0/16.
Networks = Annotated[tuple[str, ...] | str, BeforeValidator(words), AfterValidator(_networks)]
Origins = Annotated[tuple[str, ...] | str, BeforeValidator(words), AfterValidator(_origins)]
BrokerAddress = Annotated[SecretStr, AfterValidator(_broker_address)]
CacheAddress = Annotated[SecretStr, AfterValidator(_cache_address)]
Moment = Annotated[Instant, BeforeValidator(_instant)]
FilePath = Annotated[Path, AfterValidator(_expanded)]
LinkPath = Annotated[Path, AfterValidator(_absolute)]
