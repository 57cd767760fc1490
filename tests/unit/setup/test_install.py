"""The installer: what it finds missing, which mirror and Asterisk it takes, and that it says what to do."""

import stat

import pytest

from setup import asterisk, host, install
from setup.say import SetupError, lock


def program(folder, name, text="#!/bin/sh\n"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("lists", "mirror"),
    [
        ({}, "http://deb.debian.org/debian"),
        ({"sources.list": "deb http://ftp.cz.debian.org/debian/ bookworm main\n"}, "http://ftp.cz.debian.org/debian"),
        (
            {
                "sources.list": "# deb http://old/debian x main\n"
                "deb [signed-by=/k.gpg] https://cache.lan/debian bookworm main\n"
            },
            "https://cache.lan/debian",
        ),
        (
            {"sources.list.d/debian.sources": "Types: deb\nURIs: http://mirror.lan/debian\nSuites: bookworm\n"},
            "http://mirror.lan/debian",
        ),
        (
            {"sources.list.d/a.sources": "Types: deb\nURIs: http://deb.debian.org/debian-security\nSuites: x\n"},
            "http://deb.debian.org/debian",
        ),
        ({"sources.list": "deb http://archive.ubuntu.com/ubuntu noble main\n"}, "http://deb.debian.org/debian"),
    ],
)
def test_the_hosts_mirror_is_used_again(tmp_path, lists, mirror):
    """A local mirror or cache serves the Asterisk too; another distribution's mirror cannot."""
    for name, text in lists.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert host.debian_mirror(tmp_path) == mirror


@pytest.mark.parametrize(
    ("text", "major"), [("Asterisk 22.10.1~dfsg\n", 22), ("Asterisk 16.28.0", 16), ("Asterisk GIT-master", 0), ("", 0)]
)
def test_version_of_asterisk(text, major):
    """The major version decides whether the host's own is taken."""
    assert asterisk.version(text) == major


def test_only_missing_packages_are_asked_for(tmp_path, monkeypatch):
    """A package counts as there when one of its programs is."""
    monkeypatch.setattr(host, "SEARCH", str(tmp_path))
    assert host.missing({"a b": "ab", "c": "c"}) == ["ab", "c"]
    program(tmp_path, "b")
    assert host.missing({"a b": "ab", "c": "c"}) == ["c"]


def test_nothing_missing_asks_for_no_rights(tmp_path, monkeypatch):
    """Later starts need neither root nor apt-get."""
    monkeypatch.setattr(host, "SEARCH", str(tmp_path))
    monkeypatch.setattr(host.os, "geteuid", lambda: 1000)
    host.install([], tmp_path / "log")


def test_without_rights_the_sentence_names_the_packages(tmp_path, monkeypatch):
    """Neither root nor sudo: one sentence with what to install."""
    program(tmp_path, "apt-get")
    monkeypatch.setattr(host, "SEARCH", str(tmp_path))
    monkeypatch.setattr(host.os, "geteuid", lambda: 1000)
    with pytest.raises(SetupError, match=r"redis-tools.*root"):
        host.install(["redis-tools"], tmp_path / "log")


def test_sudo_is_used_by_an_ordinary_user(tmp_path, monkeypatch):
    """An ordinary user installs through sudo."""
    program(tmp_path, "sudo")
    monkeypatch.setattr(host, "SEARCH", str(tmp_path))
    monkeypatch.setattr(host.os, "geteuid", lambda: 1000)
    assert host.root_prefix() == ["sudo"]
    assert asterisk.mmdebstrap(tmp_path / "a.tar")[5:8] == ["sudo", "mmdebstrap", "--mode=root"]


def test_services_do_not_start_while_packages_are_installed(tmp_path, monkeypatch):
    """The policy is there during the installation and gone afterwards, also after a failure."""
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(host, "POLICY", policy)
    seen = []

    def fail():
        with host.no_services([]):
            seen.append((policy.read_text(), policy.stat().st_mode & stat.S_IXUSR))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert "exit 101" in seen[0][0]
    assert seen[0][1]
    assert not policy.exists()


def test_a_policy_of_the_host_is_left_alone(tmp_path, monkeypatch):
    """Only our own policy is written and removed."""
    policy = program(tmp_path, "policy-rc.d", "#!/bin/sh\nexit 0\n")
    monkeypatch.setattr(host, "POLICY", policy)
    with host.no_services([]):
        assert "exit 0" in policy.read_text()
    assert policy.exists()


def test_a_half_built_asterisk_does_not_count(tmp_path, monkeypatch):
    """When the build breaks, nothing stands at its place, and the sentence shows the log's end."""
    monkeypatch.setattr(host, "install", lambda *_: None)
    monkeypatch.setattr(asterisk, "mmdebstrap", lambda _: ["sh", "-c", "echo no space left; exit 1"])
    with pytest.raises(SetupError, match="no space left"):
        asterisk.build(tmp_path / "asterisk", tmp_path / "log")
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_a_stale_mirror_is_tried_again_without_the_date(tmp_path, monkeypatch, capsys):
    """Only after the date was the reason, and the user is told."""
    script = 'case "$*" in *Check-Valid-Until*) exit 0;; esac; echo "E: Release file for x is expired"; exit 1'
    monkeypatch.setattr(asterisk, "mmdebstrap", lambda _: ["sh", "-c", script, "sh"])
    asterisk.make_archive(tmp_path / "a.tar", tmp_path / "log")
    assert "past their date" in capsys.readouterr().err


def test_another_fault_is_not_tried_again(tmp_path, monkeypatch, capsys):
    """A wrong signature must not lead to fewer checks."""
    monkeypatch.setattr(asterisk, "mmdebstrap", lambda _: ["sh", "-c", "echo NO_PUBKEY; exit 1", "sh"])
    with pytest.raises(SetupError, match="NO_PUBKEY"):
        asterisk.make_archive(tmp_path / "a.tar", tmp_path / "log")
    assert capsys.readouterr().err == ""


def test_a_second_installer_waits(tmp_path, capsys):
    """Two makes at once: the second is told and waits."""
    import threading

    order = []

    def second():
        with lock(tmp_path / "lock"):
            order.append("second")

    with lock(tmp_path / "lock"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.3)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]
    assert "waiting" in capsys.readouterr().err


def test_packages_that_are_stamped_are_not_installed_again(tmp_path, monkeypatch):
    """The stamp is the hash of the requirement files: the same files do nothing, changed ones install."""
    calls = []
    (tmp_path / "requirements.txt").write_text("flask\n")
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    program(tmp_path, ".venv/bin/python")
    monkeypatch.setattr(install, "run", lambda command, log: calls.append(command) or 0)
    install.environment(["requirements.txt"])
    install.environment(["requirements.txt"])
    assert len(calls) == 1
    (tmp_path / "requirements.txt").write_text("flask==3\n")
    install.environment(["requirements.txt"])
    assert len(calls) == 2
