"""Settings: where they come from, which wins, and that a wrong one names itself."""

import json
import stat
from pathlib import Path

import pytest

from config import secret_store, settings
from config.settings import Settings, SettingsError


def write_ports(home: Path, **ports: int) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "ports.json").write_text(json.dumps(ports))


def test_defaults_live_in_the_home(monkeypatch, tmp_path):
    """Database, broker and sounds are inside the home unless said otherwise."""
    found = settings.load()
    assert found.database_url == f"sqlite:///{tmp_path}/home/obzvon.sqlite3"
    assert found.broker_url == f"redis+socket://{tmp_path}/home/run/redis.sock"
    assert found.sounds == tmp_path / "home" / "sounds"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OBZVON_WEB_PORT", "eighty"),
        ("OBZVON_WEB_PORT", "70000"),
        ("OBZVON_NODE_NAME", "Main node"),
        ("OBZVON_DEFAULT_TIMEZONE", "Moscow"),
        ("OBZVON_DEFAULT_TIMEZONE", "Europe"),
        ("OBZVON_DEFAULT_TIMEZONE", "America/Indiana"),
        ("OBZVON_DEFAULT_TIMEZONE", "x" * 5000),
        ("OBZVON_DEFAULT_LOCALE", "de"),
        ("OBZVON_LOG_LEVEL", "LOUD"),
        ("OBZVON_HOME", "/tmp/with space"),
        ("OBZVON_RUNTIME", "/tmp/a,b"),
        ("OBZVON_PUBLIC_URL", "obzvon.example.net"),
        ("OBZVON_PUBLIC_URL", "https://a.example/${SHELL(id)}"),
        ("OBZVON_PUBLIC_URL", "https://a.example;x"),
        ("OBZVON_PUBLIC_URL", "https://a.example/x y"),
        ("OBZVON_QUEUE_WAIT_S", "0"),
    ],
)
def test_a_wrong_setting_names_itself(monkeypatch, name, value):
    """The sentence holds the setting's name and the value at fault."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name) as caught:
        settings.load()
    assert value in str(caught.value)


def test_the_public_address_ends_without_a_slash(monkeypatch):
    monkeypatch.setenv("OBZVON_PUBLIC_URL", "https://a.example:8443/calls/")
    assert settings.load().public_url == "https://a.example:8443/calls"


def test_a_wrong_line_of_the_file_names_itself(tmp_path):
    """The same holds for <home>/obzvon.env."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home/obzvon.env").write_text("OBZVON_NODE_CPS=-1\n")
    with pytest.raises(SettingsError, match="OBZVON_NODE_CPS"):
        settings.load()


def test_a_file_that_is_no_text_is_named(tmp_path):
    """Saved in another encoding, or no file at all."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home/obzvon.env").write_bytes("OBZVON_NODE_NAME=узел\n".encode("cp1251"))
    with pytest.raises(SettingsError, match=r"obzvon\.env cannot be read"):
        settings.load()


def test_environment_wins_over_file_wins_over_kept_ports(monkeypatch, tmp_path):
    """The order: environment, obzvon.env, ports.json, default."""
    write_ports(tmp_path / "home", web_port=1111, ami_port=2222, sip_port=3333)
    (tmp_path / "home/obzvon.env").write_text("OBZVON_WEB_PORT=4444\nOBZVON_AMI_PORT=5555\n")
    monkeypatch.setenv("OBZVON_WEB_PORT", "6666")
    found = settings.load()
    assert (found.web_port, found.ami_port, found.sip_port, found.carrier_sip_port) == (6666, 5555, 3333, 5080)


def test_kept_ports_are_read_for_a_home_given_directly(tmp_path):
    """Settings(home=…) sees the ports of that home."""
    write_ports(tmp_path / "other", web_port=1234)
    assert Settings(home=tmp_path / "other", _env_file=None).web_port == 1234


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_damaged_ports_file_counts_as_none(tmp_path, content):
    """A half-written file does not stop the start."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home/ports.json").write_text(content)
    assert settings.load().web_port == 8080


def test_sockets_move_when_the_home_is_deep(tmp_path):
    """A unix socket's address holds 107 bytes."""
    deep = tmp_path / ("d" * 90)
    found = Settings(home=deep, _env_file=None)
    assert found.sockets.parent == Path("/tmp")
    assert found.sockets != Settings(home=tmp_path / ("e" * 90), _env_file=None).sockets
    assert found.broker_url == f"redis+socket://{found.sockets}/redis.sock"


def test_own_folder_refuses_what_is_somebody_elses(tmp_path):
    """A link laid in /tmp by another user is not followed."""
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(SettingsError, match="belongs to somebody else"):
        settings.own_folder(tmp_path / "link")


def test_secrets_are_made_once_and_private(tmp_path):
    """The same home keeps its secrets; nobody else may read them; another home has others."""
    first = secret_store.load(tmp_path / "a")
    assert secret_store.load(tmp_path / "a") == first
    assert secret_store.load(tmp_path / "b").web_key != first.web_key
    assert stat.S_IMODE((tmp_path / "a/secrets.json").stat().st_mode) == 0o600


def test_a_secret_added_later_leaves_the_others(tmp_path):
    """An older secrets.json is completed, not replaced."""
    before = secret_store.load(tmp_path)
    kept = json.loads((tmp_path / "secrets.json").read_text())
    del kept["supervisor_secret"]
    (tmp_path / "secrets.json").write_text(json.dumps(kept))
    after = secret_store.load(tmp_path)
    assert after.trunk_key == before.trunk_key
    assert after.supervisor_secret
    assert secret_store.load(tmp_path) == after


def test_trunk_passwords_can_be_read_back(tmp_path):
    """What is stored is not the password."""
    token = secret_store.encrypt(tmp_path, "пароль")
    assert "пароль" not in token
    assert secret_store.decrypt(tmp_path, token) == "пароль"
