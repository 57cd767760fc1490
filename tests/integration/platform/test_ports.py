"""Ports of a home, tried with real sockets."""

import socket
from contextlib import ExitStack, closing

import pytest

from config import ports
from config.settings import Settings, SettingsError, kept_ports

#: Far from what a developer's own copy uses.
FIRST = 60


def settings_of(home, **values):
    return Settings(home=home, carrier_host="127.0.0.1", sip_host="127.0.0.1", _env_file=None, **values)


def occupied(stack, kind, port):
    taken = stack.enter_context(closing(socket.socket(socket.AF_INET, kind)))
    taken.bind(("127.0.0.1", port))
    if kind is socket.SOCK_STREAM:
        taken.listen()
    return taken


def test_two_homes_get_different_ports_and_keep_them(tmp_path):
    """Also when both start before either has bound anything."""
    one = ports.ensure(settings_of(tmp_path / "one"), FIRST)
    two = ports.ensure(settings_of(tmp_path / "two"), FIRST)
    assert not set(one.values.values()) & (set(two.values.values()) - {two.values["rtp_start"]})
    one.release()
    two.release()
    again = ports.ensure(settings_of(tmp_path / "one"), FIRST)
    assert again.values == one.values
    again.release()
    assert settings_of(tmp_path / "one").web_port == one.values["web_port"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("web_port", socket.SOCK_STREAM), ("ami_port", socket.SOCK_STREAM), ("sip_local_port", socket.SOCK_DGRAM)],
)
def test_a_block_with_a_taken_port_is_passed_over(tmp_path, name, kind):
    """TCP ports are tried as TCP, SIP ports as UDP."""
    first = ports.ensure(settings_of(tmp_path / "one"), FIRST)
    first.release()
    with ExitStack() as stack:
        occupied(stack, kind, first.values[name])
        second = ports.ensure(settings_of(tmp_path / "two"), FIRST)
        second.release()
    assert second.block > first.block


def test_a_tcp_listener_does_not_take_a_udp_port(tmp_path):
    """A web server on the SIP port's number is no hindrance."""
    first = ports.ensure(settings_of(tmp_path / "one"), FIRST)
    first.release()
    with ExitStack() as stack:
        occupied(stack, socket.SOCK_STREAM, first.values["sip_port"])
        second = ports.ensure(settings_of(tmp_path / "two"), FIRST)
        second.release()
    assert second.values == first.values


def test_a_kept_port_that_is_taken_is_named_with_its_setting(tmp_path):
    """One sentence: the port and what to set."""
    first = ports.ensure(settings_of(tmp_path / "one"), FIRST)
    first.release()
    with ExitStack() as stack:
        occupied(stack, socket.SOCK_DGRAM, first.values["sip_port"])
        with pytest.raises(ports.PortTaken, match=rf"{first.values['sip_port']} \(UDP.*OBZVON_SIP_PORT"):
            ports.ensure(settings_of(tmp_path / "one"), FIRST)


def test_explicit_ports_win_and_are_not_kept(tmp_path):
    """A port that the user set stays a setting; the others are chosen around it."""
    found = ports.ensure(settings_of(tmp_path, web_port=23456), FIRST)
    found.release()
    assert found.values["web_port"] == 23456
    assert "web_port" not in kept_ports(tmp_path)
    later = ports.ensure(settings_of(tmp_path), FIRST)
    later.release()
    assert later.values["web_port"] != 23456
    assert later.values["sip_port"] == found.values["sip_port"]


def test_an_explicit_port_that_is_taken_is_refused(tmp_path):
    """We do not go elsewhere behind the user's back."""
    with ExitStack() as stack:
        taken = occupied(stack, socket.SOCK_STREAM, 0)
        port = taken.getsockname()[1]
        with pytest.raises(ports.PortTaken, match=f"{port} .*OBZVON_WEB_PORT"):
            ports.ensure(settings_of(tmp_path, web_port=port), FIRST)


def test_the_carriers_port_does_not_matter_without_a_carrier(tmp_path):
    """OBZVON_REHEARSAL=false."""
    with ExitStack() as stack:
        taken = occupied(stack, socket.SOCK_DGRAM, 0)
        port = taken.getsockname()[1]
        ports.ensure(settings_of(tmp_path, carrier_sip_port=port, rehearsal=False), FIRST).release()


def test_an_address_that_is_not_ours_names_its_setting(tmp_path):
    """203.0.113.0/24 is nobody's."""
    with pytest.raises(SettingsError, match="OBZVON_WEB_HOST"):
        ports.ensure(settings_of(tmp_path, web_host="203.0.113.7"), FIRST)
