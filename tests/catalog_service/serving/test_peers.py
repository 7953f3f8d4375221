"""Who is on this host."""

import pytest

from catalog_service.serving.peers import is_on_this_host


@pytest.mark.parametrize(
    ("peer", "is_here"),
    [
        ("ipv4:127.0.0.1:51234", True),
        ("ipv4:127.8.8.8:51234", True),
        ("ipv6:%5B::1%5D:51234", True),
        ("ipv6:[::1]:51234", True),
        ("ipv6:%5B::ffff:127.0.0.1%5D:51234", True),
        ("unix:", True),
        ("unix:/run/vertebra.sock", True),
        ("ipv4:10.0.0.7:51234", False),
        ("ipv4:192.168.1.1:80", False),
        ("ipv6:%5B2001:db8::1%5D:51234", False),
        ("ipv6:%5Bfe80::1%25eth0%5D:51234", False),
        ("ipv6:%5B::ffff:10.0.0.7%5D:51234", False),
        ("ipv4:127.0.0.1.example.com:80", False),
        ("vsock:2:3", False),
        ("", False),
        ("nonsense", False),
    ],
)
def test_only_loopback_and_unix_sockets_are_on_this_host(peer: str, is_here: bool) -> None:
    assert is_on_this_host(peer) is is_here
