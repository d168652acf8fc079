"""The command line as people meet it: what works, and one sentence for everything that does not."""

import re
import shlex
import shutil
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from openberth.entrypoints.cli.app import run
from tests.e2e.command import ROOT, Home, end

MALL, TARIFF = str(ROOT / "lots" / "mall.yaml"), str(ROOT / "tariffs" / "mall.yaml")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A machine with a running server, a tariff and a lot."""
    with Home(tmp_path_factory.mktemp("home")) as made:
        made.serve()
        assert made.run("tariff", "publish", TARIFF).out == "tariff mall published as version 1\n"
        applied = made.run("lot", "apply", MALL)
        assert applied.out.startswith("lot mall created: areas 3"), applied
        yield made


def test_applying_again_changes_nothing(home: Home) -> None:
    said = home.run("lot", "apply", MALL)
    first, warning = said.out.splitlines()
    assert (said.status, first) == (0, "lot mall is as the file says, nothing changed")
    assert re.match(r"! .*mall\.yaml:\d+: areas\[1\]\.tariff: tariff vip is not published yet", warning)


def test_lots_and_devices_are_shown(home: Home) -> None:
    shown = home.run("lot", "show", "mall", "--language", "zh").out
    assert "东入口" in shown
    assert re.search(r"vip +贵宾区 +0/20", shown)
    assert "never heard" in home.run("device", "list", "mall").out


def test_a_device_gets_credentials_and_a_warning(home: Home) -> None:
    said = home.run("device", "credentials", "mall", "cam-in-1")
    (address,) = re.findall(r"address: (http://127\.0\.0\.1:\d+/devices/vzenith/[0-9a-f]{64})\n", said.out)
    assert f":{home.http_port}/" in address
    assert "shown once only" in said.err
    barrier = home.run("device", "credentials", "mall", "bar-in-1").out
    assert f"address: 127.0.0.1:{home.barrier_port}\n" in barrier
    assert re.search(r"secret: [0-9a-f]{64}\n", barrier)


def test_the_login_of_a_device_goes_in_and_never_out(home: Home, tmp_path: Path) -> None:
    assert (
        "is not called"
        in home.run("device", "login", "mall", "cam-vip-in", "--user", "a", "--stdin", typed="x\n").refused()
    )
    assert "--forget" in home.run("device", "login", "mall", "cam-vip-in").refused()
    file = (ROOT / "lots" / "mall.yaml").read_text("utf-8")
    camera = "{code: cam-vip-in, kind: vzenith_http, lane: vip-in, addresses: [127.0.0.0/8], heartbeat: plain}"
    called = (
        "{code: cam-vip-in, kind: hikvision, lane: vip-in, addresses: [127.0.0.0/8], endpoint: 'http://127.0.0.1:9'}"
    )
    assert camera in file
    (tmp_path / "mall.yaml").write_text(file.replace(camera, called), "utf-8")
    assert home.run("lot", "apply", str(tmp_path / "mall.yaml")).status == 0
    said = home.run("device", "login", "mall", "cam-vip-in", "--user", "openberth", "--stdin", typed="pass-word-7\n")
    assert (said.status, said.out) == (0, "")
    assert "kept sealed" in said.err
    assert "pass-word-7" not in home.run("device", "list", "mall").out + said.err
    assert "erased" in home.run("device", "login", "mall", "cam-vip-in", "--forget").err
    assert home.run("lot", "apply", MALL).status == 0


def test_a_price_is_explained(home: Home) -> None:
    said = home.run("tariff", "quote", "mall", "--from", "2026-11-20T09:00", "--to", "+95m").out
    assert "4 units of 30 minutes" in said
    assert re.search(r"total +95 +¥10\.00", said)
    from_file = home.run("tariff", "quote", TARIFF, "--from", "2026-11-20T09:00", "--to", "+95m").out
    assert from_file.partition("what for")[2] == said.partition("what for")[2] != ""


def test_a_curve_is_that_of_the_published_tariff(home: Home) -> None:
    line = ("--from", "2026-11-20T09:00", "--csv", "-")
    by_code = home.run("tariff", "curve", "mall", *line).out
    assert by_code == home.run("tariff", "curve", TARIFF, *line).out
    assert by_code.count("\n") == 18


def test_a_month_is_priced_anew(home: Home) -> None:
    said = home.run("tariff", "what-if", TARIFF, "--lot", "mall", "--month", "2026-10")
    assert said.status == 0, said
    assert re.search(r"billed then +¥0\.00", said.out)
    assert "no month" in home.run("tariff", "what-if", TARIFF, "--lot", "mall", "--month", "2098-12").refused()


def test_a_month_is_priced_anew_without_a_server(tmp_path: Path) -> None:
    with Home(tmp_path) as alone:
        assert alone.run("tariff", "publish", TARIFF).status == 0
        assert alone.run("lot", "apply", MALL).status in (0, 1)
        said = alone.run("tariff", "what-if", TARIFF, "--lot", "mall", "--month", "2026-10")
        assert "0 stays priced anew" in said.out, said


def test_the_plate_of_nobody_inside_cannot_be_corrected(home: Home) -> None:
    said = home.run("lot", "plate", "mall", "粤B12345", "粤B12346", "--reason", "looked")
    assert (said.status, said.out) == (1, "")
    assert said.err.startswith("openberth: No stay was found for this car.")


def test_whereabouts_are_reset_and_a_convoy_goes_through(home: Home) -> None:
    for deed in ("soft-close", "reopen"):
        assert "No stay was found" in home.run("lot", deed, "mall", "粤B12345", "--reason", "looked").err
    assert "whereabouts are reset" in home.run("lot", "neutral", "mall", "--right", "resident", "--reason", "fault").out
    assert "no cars of the kind" in home.run("lot", "neutral", "mall", "--right", "nobility", "--reason", "x").refused()
    assert "for 5 minutes" in home.run("lot", "convoy", "mall", "in-1", "--minutes", "5", "--reason", "wedding").out
    assert "every car again" in home.run("lot", "convoy", "mall", "in-1").out


def test_the_state_of_a_lot_changes_with_a_reason(home: Home) -> None:
    assert "closed" in home.run("lot", "state", "mall", "closed", "--reason", "fire drill").out
    assert re.search(r"mall +Harbour Mall +closed +0/400", home.run("lot", "list").out)


def test_a_receipt_that_is_none_is_written_nowhere(home: Home, tmp_path: Path) -> None:
    nowhere = "01900000-0000-7000-8000-000000000000"
    no_form = home.run("receipt", "slip", nowhere, "--out", str(tmp_path / "receipt.gif")).refused()
    assert "pdf, png" in no_form
    home.run("receipt", "slip", nowhere, "--out", str(tmp_path / "receipt.pdf")).refused()
    assert not list(tmp_path.glob("receipt.*"))


def test_one_frame_of_the_live_view(home: Home) -> None:
    said = home.run("top", "--once", COLUMNS="100")
    assert said.status == 0, said
    assert "Harbour Mall" in said.out
    assert "mall/vip-out" in said.out
    assert "terminal" in home.run("top").refused()


def test_another_machine_is_asked_with_its_token(home: Home, tmp_path: Path) -> None:
    with Home(tmp_path) as elsewhere:
        url, token = f"http://127.0.0.1:{home.http_port}", str(home.data / "operator.token")
        assert "mall" in elsewhere.run("lot", "list", "--url", url, "--token-file", token).out
        (tmp_path / "wrong").write_text("x" * 43)
        assert "operator token" in elsewhere.run("lot", "list", "--url", url, "--token-file", "wrong").refused()
        gone = elsewhere.run("lot", "list", "--url", "http://127.0.0.1:1", "--token-file", token).refused()
        assert "http://127.0.0.1:1 does not answer" in gone
        assert not elsewhere.data.exists()


def test_a_backup_is_made_while_the_server_runs_and_comes_back(home: Home, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    made = home.run("backup", str(target))
    assert made.status == 0, made
    assert str(home.keys) in made.out  # it says that the keys are not in it
    bucket = {f"OPENBERTH_S3__{name}": "lot-pictures" for name in ("BUCKET", "ACCESS_KEY", "SECRET_KEY")}
    apart = home.run("backup", str(tmp_path / "apart"), OPENBERTH_S3__ENDPOINT="http://127.0.0.1:1", **bucket)
    assert "pictures in the bucket lot-pictures are not in it" in apart.out
    with Home(tmp_path / "new") as new:
        new.folder.mkdir()
        shutil.copy(home.keys, new.keys)
        restored = new.run("restore", str(target))
        assert restored.status == 0, restored
        assert "Harbour Mall" in new.run("lot", "list").out


def test_the_doctor_says_what_is_ill(home: Home) -> None:
    said = home.run("doctor")
    assert said.status == 1  # the devices are not there
    assert "the key file" in said.out
    assert re.search(r"✗ .*(silent|no secret)", said.out)
    home.keys.chmod(0o644)
    try:
        assert re.search(r"✗ .*chmod 600", home.run("doctor").out)
    finally:
        home.keys.chmod(0o600)


def test_a_second_server_on_the_same_data(home: Home) -> None:
    said = home.run("serve", "--port", "0", "--barrier-port", "0", OPENBERTH_MQTT__PORT="0").refused()
    assert "in use by another server" in said


def test_a_taken_port(home: Home, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with Home(tmp_path) as other:
            for option in ("--port", "--barrier-port"):
                said = other.run("serve", option, port).refused()
                assert port in said
                assert "another port" in said
            assert not other.data.exists()  # nothing was made before the ports were held


def test_it_works_without_a_server_and_says_when_the_keys_are_lost(tmp_path: Path) -> None:
    with Home(tmp_path) as alone:
        assert alone.run("tariff", "publish", TARIFF).status == 0
        assert alone.run("lot", "apply", MALL).status == 0
        assert alone.run("device", "credentials", "mall", "cam-in-1").status == 0
        alone.keys.unlink()
        for words in (("serve",), ("lot", "list")):
            said = alone.run(*words).refused()
            assert str(alone.keys) in said
            assert "backup" in said
        assert not alone.keys.exists()  # no new keys over old data


def test_a_wrong_lot_file_names_file_and_line(tmp_path: Path) -> None:
    wrong = tmp_path / "lot.yaml"
    text = (
        Path(MALL).read_text("utf-8").replace("to: ground", "to: grund", 1).replace("capacity: 400", "capacity: lots")
    )
    wrong.write_text(text, encoding="utf-8")
    lines = {number: line for number, line in enumerate(text.splitlines(), 1) if "grund" in line or "lots" in line}
    with Home(tmp_path) as alone:
        said = alone.run("lot", "apply", str(wrong), MALL)
        assert said.status == 1
        assert "Traceback" not in said.err
        capacity = next(number for number, line in lines.items() if "capacity: lots" in line)
        assert f"{wrong}:{capacity}: capacity: " in said.err
        assert said.err.splitlines()[-1].startswith(f"openberth: {wrong} has ")
        assert not alone.data.exists()  # nothing was opened, nothing applied
        assert "cannot be read" in alone.run("lot", "apply", "nowhere.yaml").refused()


def test_a_database_that_cannot_be_reached(tmp_path: Path) -> None:
    with Home(tmp_path) as alone:
        url = "postgresql://somebody:secret-word@127.0.0.1:1/openberth"
        for words in (("serve", "--database", url), ("lot", "list")):
            said = alone.run(*words, OPENBERTH_DATABASE=url).refused()
            assert "127.0.0.1:1/openberth cannot be reached" in said
            assert "secret-word" not in said


def test_settings_that_are_wrong(tmp_path: Path) -> None:
    with Home(tmp_path) as alone:
        assert "OPENBERTH_HTPP__PORT" in alone.run("lot", "list", OPENBERTH_HTPP__PORT="1").refused()
        assert "数据目录" in alone.run("top", OPENBERTH_LANGUAGE="zh").refused()


def test_a_defect_is_one_line_with_the_place_of_the_log(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import openberth.entrypoints.cli.files as f\n"
        "def broken(*_): raise RuntimeError('secret detail')\n"
        "f.checkout = broken\n"
    )
    with Home(tmp_path) as alone:
        alone.data.mkdir()
        path = f"{tmp_path}:{ROOT / 'src'}"
        said = alone.run("version", PYTHONPATH=path)
        assert said.status == 1
        assert said.err.count("\n") == 1
        assert "secret detail" not in said.err
        assert str(alone.data / "openberth-cli.log") in said.err
        assert "secret detail" in (alone.data / "openberth-cli.log").read_text()


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    with Home(tmp_path) as alone:
        assert "no address of this machine" in alone.run("serve", "--host", "192.0.2.1").refused()
        assert not alone.data.exists()


def test_a_machine_that_says_no_is_no_defect(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import openberth.entrypoints.cli.files as f\n"
        "def full(*_): raise OSError(28, 'No space left on device', 'somewhere')\n"
        "f.checkout = full\n"
    )
    with Home(tmp_path) as alone:
        alone.data.mkdir()
        said = alone.run("version", PYTHONPATH=f"{tmp_path}:{ROOT / 'src'}")
        assert (said.status, said.err.count("\n")) == (1, 1)
        assert "No space left on device: somewhere" in said.err
        assert not (alone.data / "openberth-cli.log").exists()


def test_an_empty_token_file_is_no_token(tmp_path: Path) -> None:
    with Home(tmp_path) as alone:
        alone.data.mkdir()
        token = alone.data / "operator.token"
        token.touch(mode=0o644)
        end(alone.serve())
        assert len(token.read_text().strip()) == 43
        assert token.stat().st_mode & 0o777 == 0o600
        assert sorted(path.name for path in alone.data.glob(".operator*")) == []


def test_a_server_stops_when_told(tmp_path: Path) -> None:
    with Home(tmp_path) as alone:
        running = alone.serve()
        assert end(running) == 0
        assert not (alone.data / "server.json").exists()


def test_the_guide_of_the_organisation_does_what_it_says(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process, for there are many commands; the server is one of its own."""
    for name, value in home.environment(COLUMNS="200", OPENBERTH_LANGUAGE="en").items():
        if name.startswith(("OPENBERTH_", "COLUMNS")):
            monkeypatch.setenv(name, value)

    def said(line: str) -> str:
        status = run(shlex.split(line.replace("airport.zip", str(written))))
        told = capsys.readouterr()
        assert status == 0, (line, told.err)
        return told.out

    written = home.folder / "airport.zip"
    guide = (ROOT / "docs" / "guides" / "organisation.md").read_text(encoding="utf-8")
    lines = re.findall(r"^openberth (.+)$", guide, re.MULTILINE)
    assert len(lines) > 15
    told = {line: said(line) for line in lines}
    tree = told["organisation tree"]
    assert re.search(r"partner:north.*\n.*company:airport.*\n.*company:demo.*\n.*property:garden.*\n.*lot:mall", tree)
    assert re.search(r"pictures_days +90 +partner +partner .*30 was set here", told["setting list --at lot:mall"])
    assert re.search(r"company:airport +Airport +partner:north +closed", told["organisation list"])
    with zipfile.ZipFile(written) as archive:
        assert {"manifest.json", "company", "event"} <= {name.partition("/")[0] for name in archive.namelist()}
    assert written.stat().st_mode & 0o777 == 0o600
    for line, sentence in {
        "organisation export company:harbour --out airport.zip --reason x": "cannot be made",
        "setting set retention.pictures_days x --at lot:mall": "a whole number",
        "organisation close lot:mall --reason x": "not the sort of node",
    }.items():
        assert run(shlex.split(line.replace("airport.zip", str(written)))) != 0
        assert sentence in capsys.readouterr().err
