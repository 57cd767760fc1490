"""What reaches Asterisk's configuration files, and what is refused before it can."""

from __future__ import annotations

import configparser
import stat
import time
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import MagicMock, Mock

import pytest

from config.settings import Settings
from dialer import jobs, pbx_config
from dialer.calls import CallRequest
from dialer.errors import DialerError
from dialer.gateway import originate_headers
from dialer.pbx_config import TrunkConfig, carrier_command, pbx_command, render_carrier, render_pbx


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home beside something that looks like an installed Asterisk."""
    root = tmp_path / "runtime" / "asterisk"
    for folder in ("usr/sbin", "lib64", "usr/lib"):
        (root / folder).mkdir(parents=True)
    (root / "usr/sbin/asterisk").touch()
    (root / "lib64/ld-linux-x86-64.so.2").touch()
    return Settings(_env_file=None, home=tmp_path / "home", runtime=tmp_path / "runtime")  # type: ignore[call-arg]


def sections(path: Path) -> list[tuple[str, dict[str, str]]]:
    """Sections of a pjsip.conf; several may have the same name."""
    found: list[tuple[str, dict[str, str]]] = []
    for line in path.read_text().splitlines():
        line = line.partition(";")[0].strip()
        if line.startswith("["):
            found.append((line.partition("]")[0][1:], {}))
        elif "=" in line:
            key, _, value = line.partition("=")
            found[-1][1][key.strip()] = value.strip()
    return found


def test_trunk_with_registration(settings: Settings) -> None:
    trunk = TrunkConfig("mts", "sip.example.org", 5070, username="u.1", secret="s=e&c", register=True)
    render_pbx(settings, [trunk])
    of_trunk = [values for name, values in sections(settings.home / "pbx/etc/pjsip.conf") if name == "mts"]
    by_type = {values.get("type", "endpoint"): values for values in of_trunk}
    assert set(by_type) == {"endpoint", "auth", "aor", "identify", "registration"}
    assert by_type["auth"]["password"] == "s=e&c"
    assert by_type["aor"]["contact"] == "sip:sip.example.org:5070"
    assert by_type["endpoint"]["transport"] == "transport-udp"


def test_rehearsal_trunk_stays_on_loopback(settings: Settings) -> None:
    render_pbx(settings, [TrunkConfig("rehearsal", "127.0.0.2", 5080, local=True)])
    [endpoint, aor] = [v for name, v in sections(settings.home / "pbx/etc/pjsip.conf") if name == "rehearsal"]
    assert endpoint["media_address"] == "127.0.0.1"
    assert endpoint["transport"] == "transport-local"
    assert aor["qualify_frequency"] == "5"


def test_trunk_that_is_not_to_be_asked(settings: Settings) -> None:
    render_pbx(settings, [TrunkConfig("a", "h", qualify=False)])
    assert "qualify_frequency" not in (settings.home / "pbx/etc/pjsip.conf").read_text()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "a]\n[b"}, "name"),
        ({"name": "A"}, "name"),
        ({"name": "global"}, "name"),
        ({"name": ""}, "name"),
        ({"host": "a\ncontact = x"}, "host"),
        ({"host": "a;b"}, "host"),
        ({"host": "-a"}, "host"),
        ({"host": "a..b"}, "host"),
        ({"port": 0}, "port"),
        ({"username": "a b"}, "username"),
        ({"username": "a;b"}, "username"),
        ({"username": "u", "secret": "a;b"}, "secret"),
        ({"username": "u", "secret": "a\\b"}, "secret"),
        ({"username": "u", "secret": "a\nb"}, "secret"),
        ({"username": "u", "secret": ">a"}, "secret"),
        ({"username": "u", "secret": "пароль"}, "secret"),
        ({"secret": "a"}, "username"),
        ({"register": True}, "username"),
    ],
)
def test_nothing_can_inject_a_line(settings: Settings, values: dict[str, object], field: str) -> None:
    trunk = TrunkConfig(**({"name": "a", "host": "h"} | values))  # type: ignore[arg-type]
    with pytest.raises(DialerError) as caught:
        render_pbx(settings, [trunk])
    assert caught.value.field == field
    assert not (settings.home / "pbx/etc/pjsip.conf").exists()


def test_files_with_secrets_are_ours_alone(settings: Settings) -> None:
    render_pbx(settings, [])
    render_carrier(settings)
    for instance in ("pbx", "carrier"):
        folder = settings.home / instance / "etc"
        assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
        assert not list(folder.glob(".*"))


def test_manager_listens_here_alone_with_few_rights(settings: Settings) -> None:
    render_pbx(settings, [])
    text = (settings.home / "pbx/etc/manager.conf").read_text()
    parsed = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parsed.read_string(text)
    assert parsed["general"]["bindaddr"] == "127.0.0.1"
    assert parsed["general"]["webenabled"] == "no"
    assert parsed["obzvon"]["write"] == "call,originate,reporting"
    assert parsed["obzvon"]["writetimeout"] == "5000"
    assert len(parsed["obzvon"]["secret"]) >= 32


def test_modules_that_run_programs_are_not_loaded(settings: Settings) -> None:
    """The manager's user may originate any application that is loaded: none of these must be."""
    render_pbx(settings, [])
    render_carrier(settings)
    for instance in ("pbx", "carrier"):
        text = (settings.home / instance / "etc/modules.conf").read_text()
        for module in ("app_system", "app_exec", "res_agi", "func_shell", "app_externalivr", "func_curl"):
            assert f"{module}.so" not in text
        assert "autoload = no" in text
    # app_dial connects callees with others; what is dialled past us is hung up (tests/security/test_ami_rights.py).
    assert "app_originate" not in (settings.home / "pbx/etc/modules.conf").read_text()
    assert "app_mixmonitor" not in (settings.home / "pbx/etc/modules.conf").read_text()  # it can run a program


def test_ports_of_both_do_not_meet(settings: Settings) -> None:
    render_pbx(settings, [])
    render_carrier(settings)
    assert "rtpstart = 10000\nrtpend = 14999" in (settings.home / "pbx/etc/rtp.conf").read_text()
    assert "rtpstart = 15000\nrtpend = 19999" in (settings.home / "carrier/etc/rtp.conf").read_text()


def test_rtp_range_beyond_the_last_port(settings: Settings) -> None:
    with pytest.raises(DialerError, match="use at most 55536"):
        render_carrier(settings.model_copy(update={"rtp_start": 60000}))


def test_greeting_has_six_seconds(settings: Settings) -> None:
    render_carrier(settings)
    with wave.open(str(settings.home / "carrier/lib/greeting.wav")) as greeting:
        assert (greeting.getframerate(), greeting.getnframes() / 8000) == (8000, 6.0)


def test_commands_run_in_the_foreground_through_the_private_loader(settings: Settings) -> None:
    for command, instance in ((pbx_command(settings), "pbx"), (carrier_command(settings), "carrier")):
        assert command[0].endswith("ld-linux-x86-64.so.2")
        assert command[-3:] == ["-f", "-C", str(settings.home / instance / "etc/asterisk.conf")]


def test_no_asterisk_is_said_with_a_way_out(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialer.asterisk_place.shutil.which", lambda *_, **__: None)
    with pytest.raises(DialerError) as caught:
        render_pbx(settings.model_copy(update={"runtime": settings.home / "none"}), [])
    assert caught.value.code == "asterisk_missing"


def test_control_socket_fits_a_unix_socket_in_a_deep_home(settings: Settings) -> None:
    deep = settings.model_copy(update={"home": settings.home / ("x" * 90)})
    render_pbx(deep, [])
    text = (deep.home / "pbx/etc/asterisk.conf").read_text()
    run = next(line.split("=> ")[1] for line in text.splitlines() if line.startswith("astrundir"))
    assert len(f"{run}/asterisk.ctl") < 108
    assert stat.S_IMODE(Path(run).stat().st_mode) == 0o700
    Path(run).rmdir()


def test_originate_has_one_header_per_variable() -> None:
    request = CallRequest("0" * 20, "79160000016", "t", "PJSIP/{number}@{trunk}", "74950000000", 30, "ab12", True)
    headers = originate_headers(request, Path("/h/sounds"))
    assert headers["ChannelId"] == headers["ActionID"] == "0" * 20
    assert headers["Channel"] == "PJSIP/79160000016@t"
    assert headers["Timeout"] == "30000"
    assert headers["Async"] == "true"
    assert headers["Variable"] == [
        "OBZ_SOUND=/h/sounds/ab12",
        'CHANNEL(hangup_handler_push)="obzvon-ended,s,1"',
        "PJSIP_HEADER(add,X-Obzvon-Attempt)=00000000000000000000",
    ]
    assert "EarlyMedia" not in headers


def test_files_may_be_written_by_several_threads(tmp_path):
    def write(number: int) -> None:
        for _ in range(100):
            pbx_config.write_atomically(tmp_path / "acl.conf", str(number).encode() * 1000)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert len(set((tmp_path / "acl.conf").read_text())) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["acl.conf"]
    assert (tmp_path / "acl.conf").stat().st_mode & 0o777 == 0o600


def test_trunks_are_reloaded_one_after_another(tmp_path, monkeypatch):
    """Else a list read earlier could be written later."""
    inside: list[int] = []
    monkeypatch.setattr(jobs, "gateway", Mock())
    monkeypatch.setattr(jobs, "read", MagicMock())
    monkeypatch.setattr(jobs, "current_app", MagicMock())

    def config_of(_session: object) -> list[object]:
        inside.append(1)
        return []

    def render(_settings: object, _known: object) -> None:
        time.sleep(0.01)
        assert len(inside) == 1
        inside.clear()

    monkeypatch.setattr(jobs.trunks, "config_of", config_of)
    monkeypatch.setattr(jobs.pbx_config, "render_pbx", render)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(jobs.reload_trunks.run) for _ in range(8)]:
            done.result()
