"""Settings: defaults that run anywhere, one name per setting, and one clear sentence per mistake."""

import os
from pathlib import Path
from typing import Any

import pytest

from openberth.infra.catalogue import text
from openberth.infra.settings import load_settings
from openberth.kernel.errors import Malformed
from openberth.kernel.time import from_iso


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for variable in list(os.environ):
        if variable.startswith(("OPENBERTH_", "XDG_")):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def mistake(**overrides: Any) -> tuple[Malformed, str]:
    with pytest.raises(Malformed) as refused:
        load_settings(**overrides)
    said = text(refused.value.code, "en", **refused.value.params)
    assert said != refused.value.code
    assert "{" not in said
    assert "\n" not in said
    return refused.value, said


def test_defaults_need_nothing(clean: Path) -> None:
    settings = load_settings()
    assert settings.data == clean / ".local" / "share" / "openberth"
    assert settings.keys == clean / ".config" / "openberth" / "keys.json"
    assert settings.database_url == f"sqlite:///{clean}/.local/share/openberth/openberth.db"
    assert (settings.http.host, settings.http.port, settings.barrier.port) == ("127.0.0.1", 8420, 8421)
    assert settings.public_base == "http://127.0.0.1:8420"
    assert settings.language == "zh"
    assert settings.roles == ("api", "devices", "worker")
    assert settings.clock.speed == 1
    assert not settings.demo
    assert settings.s3 is None
    assert settings.sandpay is None


def test_xdg_folders_are_honoured(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(clean / "d"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(clean / "c"))
    settings = load_settings()
    assert settings.data == clean / "d" / "openberth"
    assert settings.keys == clean / "c" / "openberth" / "keys.json"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert load_settings().data == clean / ".local" / "share" / "openberth"


def test_environment_over_file_over_defaults(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = clean / "openberth.yaml"
    file.write_text(
        "language: en\n"
        "http: {host: 0.0.0.0, port: 9000}\n"
        "roles: [api, worker]\n"
        "demo: true\n"
        "clock: {speed: 60, anchor_business: 2026-01-01T00:00:00+08:00, anchor_machine: '2026-11-22T00:00:00Z'}\n"
    )
    monkeypatch.setenv("OPENBERTH_CONFIG", str(file))
    monkeypatch.setenv("OPENBERTH_HTTP__PORT", "9001")
    settings = load_settings(log={"level": "debug"})
    assert (settings.http.host, settings.http.port) == ("0.0.0.0", 9001)
    assert settings.public_base == "http://127.0.0.1:9001"
    assert settings.language == "en"
    assert settings.roles == ("api", "worker")
    assert settings.clock.speed == 60
    assert settings.clock.anchor_business == from_iso("2025-12-31T16:00:00Z")
    assert settings.clock.anchor_machine == from_iso("2026-11-22T00:00:00Z")
    assert settings.log.level == "debug"
    assert load_settings(http={"port": 9002}).http.port == 9002


def test_groups_by_environment(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "OPENBERTH_ROLES": "api, devices",
        "OPENBERTH_DATA": "~/lots",
        "OPENBERTH_PUBLIC_URL": "https://parking.example.com/",
        "OPENBERTH_S3__ENDPOINT": "http://127.0.0.1:9000",
        "OPENBERTH_S3__BUCKET": "pictures",
        "OPENBERTH_S3__ACCESS_KEY": "who",
        "OPENBERTH_S3__SECRET_KEY": "hush-hush",
        "OPENBERTH_SANDPAY__URL": "http://127.0.0.1:8425",
        "OPENBERTH_SANDPAY__MERCHANT": "m1",
        "OPENBERTH_SANDPAY__PRIVATE_KEY_FILE": "/keys/m1.pem",
        "OPENBERTH_SANDPAY__PUBLIC_KEY_FILE": "/keys/sandpay.pub",
        "OPENBERTH_DATABASE": "postgresql://me:word@db/openberth",
        "OPENBERTH_TEST_POSTGRES": "is not a setting",
    }.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.roles == ("api", "devices")
    assert settings.data == clean / "lots"
    assert settings.public_base == "https://parking.example.com"
    assert settings.database_url == "postgresql://me:word@db/openberth"
    assert settings.s3 is not None
    assert settings.s3.secret_key.get_secret_value() == "hush-hush"
    assert settings.sandpay is not None
    assert settings.sandpay.private_key_file == Path("/keys/m1.pem")
    shown = repr(settings)
    assert "hush-hush" not in shown
    assert "word" not in shown


@pytest.mark.parametrize(
    ("overrides", "setting"),
    [
        ({"http": {"port": 99_999}}, "http.port"),
        ({"http": {"port": "eighty"}}, "http.port"),
        ({"language": "fr"}, "language"),
        ({"roles": "api,gate"}, "roles"),
        ({"roles": ""}, "roles"),
        ({"public_url": "parking.example.com"}, "public_url"),
        ({"clock": {"speed": 0}, "demo": True}, "clock.speed"),
        ({"clock": {"speed": 1.5}, "demo": True}, "clock.speed"),
        ({"clock": {"anchor_business": "2026-01-01T00:00:00"}, "demo": True}, "clock.anchor_business"),
        ({"s3": {"endpoint": "http://x"}}, "s3.bucket"),
        ({"log": {"level": "loud"}}, "log.level"),
    ],
)
def test_a_wrong_value_names_its_setting_and_variable(overrides: dict[str, Any], setting: str) -> None:
    problem, said = mistake(**overrides)
    assert problem.code == "settings.invalid"
    assert str(problem.params["setting"]).startswith(setting)
    assert str(problem.params["variable"]).startswith("OPENBERTH_" + setting.upper().replace(".", "__"))
    assert setting in said


def test_a_wrong_secret_is_not_quoted() -> None:
    _, said = mistake(s3={"endpoint": "http://x", "bucket": "abc", "access_key": "a", "secret_key": ["hush-hush"]})
    assert "hush-hush" not in said


def test_a_group_that_is_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBERTH_HTTP", "8420")
    assert mistake()[0].code == "settings.invalid"
    monkeypatch.setenv("OPENBERTH_HTTP", "not json")
    assert mistake()[0].code == "settings.invalid"


@pytest.mark.parametrize("name", ["OPENBERTH_PORT", "OPENBERTH_HTPP__PORT"])
def test_an_unknown_variable_is_a_mistake(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "1")
    problem, said = mistake()
    assert problem.code == "settings.unknown"
    assert name in said
    assert "http" in said


def test_an_unknown_name_in_a_group_lists_the_groups_names() -> None:
    problem, said = mistake(http={"prot": 1})
    assert problem.code == "settings.unknown"
    assert "http.prot" in said
    assert "host, port" in said


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("- a\n", "mapping"),
        ("a: [\n", "line 2"),
        ("1: 2\n", "mapping"),
        ("language: en\nhttp: {port: 1}\nhttp: {port: 2}\n", "line 3: http stands here twice"),
        ("http: {port: 1, port: 1}\n", "line 1: port stands here twice"),
    ],
)
def test_a_file_that_is_no_settings_file(
    clean: Path, monkeypatch: pytest.MonkeyPatch, content: str, reason: str
) -> None:
    file = clean / "bad.yaml"
    file.write_text(content)
    monkeypatch.setenv("OPENBERTH_CONFIG", str(file))
    problem, said = mistake()
    assert problem.code == "settings.file"
    assert reason in said
    assert str(file) in said


def test_an_empty_file_changes_nothing_and_a_missing_one_is_said(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = clean / "empty.yaml"
    file.write_text("# nothing\n")
    monkeypatch.setenv("OPENBERTH_CONFIG", str(file))
    assert load_settings().http.port == 8420
    monkeypatch.setenv("OPENBERTH_CONFIG", str(clean / "none.yaml"))
    assert mistake()[0].code == "settings.file"


@pytest.mark.parametrize("clock", [{"speed": 60}, {"anchor_business": "2026-01-01T00:00:00Z"}])
def test_only_a_demo_changes_the_clock(clock: dict[str, Any]) -> None:
    assert mistake(clock=clock)[0].code == "settings.clock_without_demo"
    assert mistake(clock={"anchor_business": "2026-01-01T00:00:00Z"}, demo=True)[0].code == "settings.clock_anchors"
    assert load_settings(clock={"speed": 60}, demo=True).clock.speed == 60


def test_keys_never_lie_in_the_data_folder(clean: Path) -> None:
    data = clean / "data"
    for keys in (data / "keys.json", data / "deep" / "keys.json", data / ".." / "data" / "keys.json"):
        problem, said = mistake(data=data, keys=keys)
        assert problem.code == "settings.keys_in_data"
        assert str(data) in said
    assert load_settings(data=data, keys=data / ".." / "keys.json").keys == clean / "keys.json"


def test_roles_stand_once() -> None:
    assert mistake(roles="api,api")[0].code == "settings.roles_twice"


def test_an_ipv6_host_makes_an_address() -> None:
    assert load_settings(http={"host": "::1"}).public_base == "http://[::1]:8420"
    assert load_settings(http={"host": "::"}).public_base == "http://127.0.0.1:8420"


def test_settings_do_not_change() -> None:
    settings = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.demo = True  # type: ignore[misc]


@pytest.mark.parametrize(
    ("overrides", "http", "barrier", "mqtt"),
    [
        ({}, "http://127.0.0.1:8420", "127.0.0.1:8421", "127.0.0.1:8422"),
        ({"http": {"host": "::"}, "barrier": {"host": "0.0.0.0", "port": 9}, "mqtt": {"host": "::", "port": 10}},
         "http://127.0.0.1:8420", "127.0.0.1:9", "127.0.0.1:10"),
        ({"http": {"host": "fd00::1"}, "barrier": {"host": "fd00::2"}, "mqtt": {"host": "fd00::3"}},
         "http://[fd00::1]:8420", "[fd00::2]:8421", "[fd00::3]:8422"),
        ({"public_url": "https://parking.example.com/"}, "https://parking.example.com", "parking.example.com:8421",
         "parking.example.com:8422"),
        ({"mqtt": {"broker": "mqtts://us:secret@broker.example.com"}}, "http://127.0.0.1:8420", "127.0.0.1:8421",
         "broker.example.com:8883"),
        ({"mqtt": {"broker": "mqtt://[fd00::4]"}}, "http://127.0.0.1:8420", "127.0.0.1:8421", "[fd00::4]:1883"),
    ],
)  # fmt: skip
def test_devices_are_told_where_to_go(overrides: dict[str, Any], http: str, barrier: str, mqtt: str) -> None:
    settings = load_settings(**overrides)
    assert (settings.public_base, settings.barrier_base, settings.mqtt_base) == (http, barrier, mqtt)


@pytest.mark.parametrize("address", ["broker.example.com", "tcp://b:1883", "mqtt://", "mqtt://b/topic", "mqtt://b?x=1"])
def test_a_broker_is_named_by_its_address(address: str) -> None:
    problem, said = mistake(mqtt={"broker": address})
    assert problem.code == "settings.invalid"
    assert "OPENBERTH_MQTT__BROKER" in said


def test_proxies_are_named_as_addresses_and_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().http.trusted_proxies == ()
    monkeypatch.setenv("OPENBERTH_HTTP__TRUSTED_PROXIES", "10.0.0.1, 10.1.0.0/16,::1")
    assert load_settings().http.trusted_proxies == ("10.0.0.1", "10.1.0.0/16", "::1")
    for wrong in ("proxy.example", "10.0.0.1/8", "*", "0.0.0.0/0", "::/0"):
        problem, said = mistake(http={"trusted_proxies": [wrong]})
        assert problem.code == "settings.invalid"
        assert "OPENBERTH_HTTP__TRUSTED_PROXIES" in said


def test_default_ports_are_those_of_nobody_else() -> None:
    settings = load_settings()
    others = {5432, 3306, 6379, 5672, 15672, 1883, 8883, 4222, 6222, 8222}
    assert not {settings.http.port, settings.barrier.port, settings.mqtt.port} & others
