"""Where a webhook may go: only to the public internet, whatever way an inside address is written."""

import pytest

from ops import addresses
from ops.errors import OpsError

PUBLIC = "93.184.215.14"


def resolver(*answers):
    """Answers in turn; the last one repeats. Counts the questions."""
    asked = []

    def resolve(host, port):
        asked.append((host, port))
        return answers[min(len(asked), len(answers)) - 1]

    resolve.asked = asked
    return resolve


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "::7f00:1",
        "64:ff9b::127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1",
        "2001:0:7f00:1::", "not an address",
    ],
)  # fmt: skip
def test_inside_addresses_are_not_public(address):
    assert not addresses.is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:2800:21f:cb07::1", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are(address):
    assert addresses.is_public(address)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]",
     "[0:0:0:0:0:ffff:7f00:1]", "localhost"],
)  # fmt: skip
def test_ways_of_writing_this_machine_are_refused_by_the_real_resolver(host):
    """Decimal, octal, hex, short and mapped forms: the system's resolver reads them all, and so do we."""
    with pytest.raises(OpsError) as refused:
        addresses.check(f"https://{host}/hook")
    assert refused.value.code in ("webhook_host_inside", "webhook_host_unknown")


def test_the_real_resolver_does_read_the_decimal_form():
    """Otherwise the test above would prove nothing."""
    assert addresses.resolve("2130706433", 443) == ["127.0.0.1"]


@pytest.mark.parametrize(
    "url",
    ["http://a.example/", "ftp://a.example/", "https:///x", "https://", "https://user@a.example/",
     "https://user:pass@a.example/", "https://a.example:99999/", "https://a.example/\r\nX: y", "https://a.example/ x",
     "https://a.example\\@127.0.0.1/", "https://ex%61mple.org/", "//a.example/", "javascript:alert(1)",
     "https://[::1", "https://пример.example/", "https://a.example/" + "x" * 2000],
)  # fmt: skip
def test_addresses_of_another_form_are_refused(url):
    with pytest.raises(OpsError) as refused:
        addresses.check(url, resolver=resolver([PUBLIC]))
    assert refused.value.code == "webhook_url_wrong"


def test_a_name_is_looked_up_once_and_that_address_is_used():
    """DNS rebinding: the second answer would be this machine; nobody asks a second time."""
    rebinding = resolver([PUBLIC], ["127.0.0.1"])
    target = addresses.check("https://hook.example/a?b=1", resolver=rebinding)
    assert (target.address, target.host, target.port, target.path) == (PUBLIC, "hook.example", 443, "/a?b=1")
    assert rebinding.asked == [("hook.example", 443)]


def test_one_inside_address_among_public_ones_is_enough_to_refuse():
    with pytest.raises(OpsError) as refused:
        addresses.check("https://hook.example/", resolver=resolver([PUBLIC, "10.1.1.1"]))
    assert refused.value.code == "webhook_host_inside"
    assert refused.value.words == {"host": "hook.example", "address": "10.1.1.1"}


def test_a_host_that_the_administrator_allows_may_be_inside():
    target = addresses.check("https://hook.lan:8443/", ["other.lan", "HOOK.lan"], resolver(["10.1.1.1"]))
    assert (target.address, target.port) == ("10.1.1.1", 8443)
    with pytest.raises(OpsError):
        addresses.check("https://hook.lan.evil.example/", ["hook.lan"], resolver(["10.1.1.1"]))


def test_a_name_that_is_not_there_says_so():
    def nothing(host, port):
        raise OSError("no such name")

    with pytest.raises(OpsError) as refused:
        addresses.check("https://nothing.example/", resolver=nothing)
    assert refused.value.code == "webhook_host_unknown"
