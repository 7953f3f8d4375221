"""The gateway of a container: what its arguments amount to."""

from pathlib import Path

import pytest

from vertebra.gateway import JwksUrl
from vertebra.gateway.__main__ import gateway_of

ALWAYS = ("--catalog=c.invalid:1", "--trainer=t.invalid:1", "--folder=/tmp/gateway")


@pytest.mark.parametrize(
    "half",
    [
        ("--listen-client-ca=ca.crt",),
        ("--listen-cert=tls.crt",),
        ("--listen-cert=tls.crt", "--listen-client-ca=ca.crt"),
        ("--cert=tls.crt", "--key=tls.key"),
        ("--ca=ca.crt", "--cert=tls.crt"),
        ("--ca=ca.crt", "--key=tls.key"),
    ],
)
def test_half_of_an_encryption_is_refused_and_never_none_of_it(half: tuple[str, ...]) -> None:
    """Whoever names a certificate does not want plain text, nor callers who show none."""
    with pytest.raises(ValueError, match="come together"):
        gateway_of([*ALWAYS, *half])


@pytest.mark.parametrize("left_out", [0, 1, 2])
def test_half_of_what_makes_a_token_good_is_refused(left_out: int) -> None:
    """Without one of them tokens of others would get in."""
    whole = ["--jwt-issuer=https://login", "--jwt-audience=vertebra", "--jwt-keys=jwks.json"]
    del whole[left_out]

    with pytest.raises(ValueError, match="come together"):
        gateway_of([*ALWAYS, *whole])


def test_tokens_of_an_issuer_are_asked_for() -> None:
    """With all audiences that are named."""
    whole = ["--jwt-issuer=https://login", "--jwt-audience=vertebra", "--jwt-keys=jwks.json"]
    gateway = gateway_of([*ALWAYS, *whole, "--jwt-audience=console"])

    assert gateway.jwt
    assert gateway.jwt.issuer == "https://login"
    assert gateway.jwt.audiences == ("vertebra", "console")
    assert gateway.jwt.keys == Path("jwks.json")


def test_keys_at_a_url_are_those_of_a_server_that_the_system_knows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    who = ["--jwt-issuer=https://login", "--jwt-audience=vertebra"]
    gateway = gateway_of([*ALWAYS, *who, "--jwt-keys=https://login/keys"])

    assert gateway.jwt
    assert gateway.jwt.keys == JwksUrl(url="https://login/keys", ca=tmp_path / "ca.pem")


@pytest.mark.parametrize("url", ["http://login/keys", "http://ann:secret@login/keys", "s3://keys"])
def test_keys_that_anybody_could_have_put_there_are_refused(url: str) -> None:
    who = ["--jwt-issuer=https://login", "--jwt-audience=vertebra"]

    with pytest.raises(ValueError, match="keys") as refused:
        gateway_of([*ALWAYS, *who, f"--jwt-keys={url}"])

    assert "secret" not in str(refused.value)


def test_whole_encryption_is_taken() -> None:
    """Both sides, each with what it shows and whom it believes."""
    listen = ("--listen-cert=a.crt", "--listen-key=a.key", "--listen-client-ca=callers.crt")
    service = ("--ca=ca.crt", "--cert=b.crt", "--key=b.key")
    gateway = gateway_of([*ALWAYS, *listen, *service])

    assert gateway.listen_tls and gateway.service_tls
    assert (str(gateway.listen_tls.client_ca), str(gateway.service_tls.key)) == (
        "callers.crt",
        "b.key",
    )
