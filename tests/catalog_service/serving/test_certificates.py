"""TLS: who is believed, and certificates that change while the server runs."""

import datetime
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from catalog_service.serving.certificates import (
    CertificateFiles,
    Certificates,
    CertificateUnusable,
    read_certificates,
)
from tests.fakes.authority import DAY, Authority, replace


def server_files(folder: Path, authority: Authority, *, asks: bool = False) -> CertificateFiles:
    cert, key = authority.files(folder, "server", hosts=["127.0.0.1"])
    return CertificateFiles(cert=cert, key=key, client_ca=authority.file(folder) if asks else None)


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def serve(certificates: Certificates, pool: ThreadPoolExecutor) -> tuple[grpc.Server, str]:
    server = grpc.server(pool)
    echo = grpc.unary_unary_rpc_method_handler(lambda request, _: request)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t.T", {"Echo": echo}),))
    port = server.add_secure_port("127.0.0.1:0", certificates.credentials())
    server.start()
    return server, f"127.0.0.1:{port}"


def ask(address: str, root: bytes, cert: bytes | None = None, key: bytes | None = None) -> bytes:
    """Make a handshake of its own and a call."""
    credentials = grpc.ssl_channel_credentials(root, key, cert)
    own = (("grpc.use_local_subchannel_pool", 1),)
    with grpc.secure_channel(address, credentials, options=own) as channel:
        return channel.unary_unary("/t.T/Echo")(b"here", timeout=60)


def test_a_new_certificate_is_shown_without_a_restart(tmp_path, authority, pool):
    other = Authority("another authority")
    files = server_files(tmp_path, authority)
    server, address = serve(Certificates(files), pool)
    assert ask(address, authority.pem) == b"here"

    server_files(tmp_path, other)

    assert ask(address, other.pem) == b"here"
    with pytest.raises(grpc.RpcError):
        ask(address, authority.pem)
    server.stop(None)


def test_the_life_that_is_told_is_that_of_the_certificate_that_is_shown_next(tmp_path, authority):
    """Also while nobody calls; and gRPC, which is told once of a new one, is still told."""
    files = server_files(tmp_path, authority)
    certificates = Certificates(files)
    begin, end = certificates.life()

    replace(files.key, authority.pair(hosts=["127.0.0.1"])[1])
    assert certificates.life() == (begin, end)  # the key is not the certificate's
    for path, content in zip(
        (files.cert, files.key), authority.pair(hosts=["127.0.0.1"], life=30 * DAY), strict=True
    ):
        replace(path, content)

    assert certificates.life()[1] - end > 20 * DAY.total_seconds()
    assert certificates.if_changed() is not None
    assert certificates.is_taken


@pytest.mark.parametrize("half", ["cert", "key"])
def test_half_written_files_leave_the_last_good_certificate(
    tmp_path, authority, pool, half, caplog
):
    files = server_files(tmp_path, authority)
    server, address = serve(Certificates(files), pool)
    new_cert, new_key = authority.pair(hosts=["127.0.0.1"])
    whole = {"cert": (files.cert, new_cert), "key": (files.key, new_key)}
    path, content = whole[half]

    path.write_bytes(content[: len(content) // 2])

    assert ask(address, authority.pem) == b"here"
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
    for path, content in whole.values():
        replace(path, content)
    assert ask(address, authority.pem) == b"here"
    server.stop(None)


def test_files_that_are_gone_leave_the_last_good_certificate(tmp_path, authority, pool):
    files = server_files(tmp_path, authority)
    server, address = serve(Certificates(files), pool)

    files.cert.unlink()

    assert ask(address, authority.pem) == b"here"
    server.stop(None)


def test_no_handshake_fails_while_certificates_change_between_all_of_them(
    tmp_path, authority, pool
):
    files = server_files(tmp_path, authority)
    server, address = serve(Certificates(files), pool)

    for _ in range(20):
        server_files(tmp_path, authority)
        assert ask(address, authority.pem) == b"here"
    server.stop(None)


@pytest.mark.parametrize("num_changes", [15, pytest.param(200, marks=pytest.mark.full)])
def test_no_connection_fails_while_certificates_change_all_the_time(
    tmp_path, authority, pool, num_changes, counted
):
    """Connections are made on two threads while the files are replaced, each in two moves."""
    files = server_files(tmp_path, authority)
    server, address = serve(Certificates(files), pool)
    is_over, ends, num_seen = threading.Event(), [], threading.Semaphore(0)

    def connect() -> None:
        while not is_over.is_set():
            try:
                ends.append(ask(address, authority.pem))
            except grpc.RpcError as error:
                ends.append(error)
            num_seen.release()

    callers = [threading.Thread(target=connect) for _ in range(2)]
    for caller in callers:
        caller.start()
    for _ in range(num_changes):
        server_files(tmp_path, authority)
        for _ in range(3):
            assert num_seen.acquire(timeout=60)
    is_over.set()
    for caller in callers:
        caller.join(60)
    server.stop(None)

    failed = [end for end in ends if end != b"here"]
    assert failed == []
    counted(certificates=num_changes, connections=len(ends), failed=len(failed))


WRONG = {
    "expired": {"hosts": ["127.0.0.1"], "life": -datetime.timedelta(hours=1)},
    "another name": {"hosts": ["elsewhere.test"]},
    "no name": {},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_server_with_a_wrong_certificate_is_refused(tmp_path, authority, pool, wrong, counted):
    cert, key = authority.files(tmp_path, "server", **WRONG[wrong])
    server, address = serve(Certificates(CertificateFiles(cert=cert, key=key)), pool)

    with pytest.raises(grpc.RpcError) as refused:
        ask(address, authority.pem)

    server.stop(None)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    counted(wrong_certificates_refused=1)


def test_a_server_that_asks_for_certificates_takes_its_authority_s_alone(
    tmp_path, authority, pool, counted
):
    server, address = serve(Certificates(server_files(tmp_path, authority, asks=True)), pool)
    stranger = Authority("a stranger")

    assert ask(address, authority.pem, *authority.pair(uris=["spiffe://studio/ann"])) == b"here"
    for pair in (
        (None, None),
        stranger.pair(uris=["spiffe://studio/ann"]),
        authority.pair(uris=["spiffe://studio/ann"], life=-datetime.timedelta(hours=1)),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            ask(address, authority.pem, *pair)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    server.stop(None)
    counted(callers_refused=3)


def test_a_key_of_another_certificate_is_refused_by_name(tmp_path, authority):
    files = server_files(tmp_path, authority)
    _, other_key = authority.pair()
    files.key.write_bytes(other_key)

    with pytest.raises(CertificateUnusable, match=r"server\.key is not that of .*server\.pem"):
        Certificates(files)


def test_a_chain_that_is_cut_short_is_refused(tmp_path, authority):
    files = server_files(tmp_path, authority)
    files.cert.write_bytes(files.cert.read_bytes() + authority.pem[:-40])

    with pytest.raises(CertificateUnusable, match="ends in the middle"):
        read_certificates(files)


@pytest.mark.parametrize("content", [b"", b"not PEM", b"\x00\xff"])
def test_a_client_authority_that_is_none_is_refused(tmp_path, authority, content):
    files = server_files(tmp_path, authority, asks=True)
    files.client_ca.write_bytes(content)

    with pytest.raises(CertificateUnusable, match=r"ca\.pem holds no certificates"):
        read_certificates(files)


def test_an_expired_certificate_of_our_own_is_said_in_the_log(tmp_path, authority, caplog):
    caplog.set_level(logging.INFO)
    cert, key = authority.files(
        tmp_path, "old", hosts=["127.0.0.1"], life=-datetime.timedelta(hours=1)
    )

    Certificates(CertificateFiles(cert=cert, key=key))

    assert "expired" in caplog.text


def test_a_private_key_that_everybody_may_read_is_said_aloud(tmp_path, authority, caplog):
    files = server_files(tmp_path, authority)
    files.key.chmod(0o644)

    Certificates(files)

    assert "everybody on this host may read the private key" in caplog.text
    caplog.clear()
    files.key.chmod(0o640)
    Certificates(files)
    assert not caplog.records
