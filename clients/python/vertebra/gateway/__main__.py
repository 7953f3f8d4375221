"""`python -m vertebra.gateway`: writes the configuration of Envoy, then becomes Envoy. For
containers; `vertebra up --console` runs the same gateway as its child."""

import argparse
import os
import ssl
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import vertebra
from vertebra.gateway.config import (
    GATEWAY_PORT,
    Gateway,
    ListenTls,
    ServiceTls,
    gateway_config,
)
from vertebra.gateway.descriptors import write_descriptors
from vertebra.gateway.encryption import write_secrets
from vertebra.gateway.running import GatewayFailed, envoy_program
from vertebra.gateway.tokens import JwksUrl, Jwt

UNUSABLE = 2

REPEATED = {
    "--host": "a name under which it may be called; repeat it",
    "--origin": "an origin whose pages may call, too; repeat it",
    "--jwt-audience": "whom callers' tokens must be meant for; repeat it",
}
"""Arguments that may come several times."""

FILES = {
    "--listen-cert": "PEM file with what callers are shown",
    "--listen-key": "its private key",
    "--listen-client-ca": "PEM file with authorities of callers' certificates",
    "--ca": "PEM file with authorities of the services' certificates: they have TLS",
    "--cert": "PEM file with what the services are shown",
    "--key": "its private key",
    "--jwt-keys-ca": "PEM file with authorities of the server of the issuer's keys (SSL_CERT_FILE,"
    " the system's)",
}

TEXTS = {
    "--jwt-issuer": ("URL", "callers must show a token of this issuer"),
    "--jwt-keys": (
        "FILE_OR_URL",
        "its keys (JWKS): a file, read once, or an https:// URL, fetched every ten minutes",
    ),
}
"""With what stands for their values in the help."""

AUTHORITIES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/cert.pem"),
)
"""Where systems keep them. Source: Go's crypto/x509, root_linux.go."""


def main(arguments: list[str]) -> NoReturn:
    """Become Envoy, or exit with 2 and a line that says why not."""
    try:
        flags = _parser().parse_args(arguments)
        command = [*_command(flags), "-c", str(written(_gateway(flags), flags.folder))]
    except (GatewayFailed, FileNotFoundError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(UNUSABLE)
    os.execv(command[0], command)


def gateway_of(arguments: list[str]) -> Gateway:
    """Return the gateway that arguments describe."""
    return _gateway(_parser().parse_args(arguments))


def _gateway(flags: argparse.Namespace) -> Gateway:
    return Gateway(
        catalog=flags.catalog,
        trainer=flags.trainer,
        listen=flags.listen,
        console_folder=flags.console,
        hosts=tuple(flags.host),
        origins=tuple(flags.origin),
        listen_tls=_listen_tls(flags),
        service_tls=_service_tls(flags),
        jwt=_jwt(flags),
        memory_bytes=flags.memory_bytes,
        access_log=flags.access_log,
    )


def _listen_tls(flags: argparse.Namespace) -> ListenTls | None:
    if not any((flags.listen_cert, flags.listen_key, flags.listen_client_ca)):
        return None
    if flags.listen_cert is None or flags.listen_key is None:
        raise ValueError(
            "--listen-cert and --listen-key come together; --listen-client-ca needs both: callers"
            " show certificates to a TLS server only"
        )
    return ListenTls(cert=flags.listen_cert, key=flags.listen_key, client_ca=flags.listen_client_ca)


def _service_tls(flags: argparse.Namespace) -> ServiceTls | None:
    if not any((flags.ca, flags.cert, flags.key)):
        return None
    if flags.ca is None or (flags.cert is None) != (flags.key is None):
        raise ValueError(
            "--cert and --key come together, and with --ca: without, the services would be called"
            " in plain text"
        )
    return ServiceTls(ca=flags.ca, cert=flags.cert, key=flags.key)


def _jwt(flags: argparse.Namespace) -> Jwt | None:
    given = (flags.jwt_issuer, flags.jwt_audience, flags.jwt_keys)
    if not any(given):
        return None
    if not all(given):
        raise ValueError(
            "--jwt-issuer, --jwt-audience and --jwt-keys come together: a token of anybody, for"
            " anybody, or signed by anybody would get in"
        )
    is_url = "://" in flags.jwt_keys
    ca = flags.jwt_keys_ca or (_authorities() if is_url else None)
    return Jwt(
        issuer=flags.jwt_issuer,
        audiences=tuple(flags.jwt_audience),
        keys=JwksUrl(url=flags.jwt_keys, ca=ca) if is_url else Path(flags.jwt_keys),
    )


def _authorities() -> Path | None:
    """Return the file of authorities that SSL_CERT_FILE names, or the system's."""
    named = ssl.get_default_verify_paths().cafile
    found = [Path(named)] if named else [file for file in AUTHORITIES if file.is_file()]
    return found[0] if found else None


def written(gateway: Gateway, folder: Path) -> Path:
    """Write what Envoy reads; return its configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "gateway.yaml"
    placed = replace(
        gateway,
        descriptor_file=write_descriptors(folder / "vertebra.binpb"),
        secrets_folder=write_secrets(gateway, folder),
    )
    config.write_text(gateway_config(placed), encoding="utf-8")
    return config


def _command(flags: argparse.Namespace) -> list[str]:
    threads = str(flags.concurrency)
    return [envoy_program(), "--concurrency", threads, "-l", "warning", "--use-dynamic-base-id"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m vertebra.gateway", description="One Envoy in front of both services."
    )
    parser.add_argument("--catalog", metavar="HOST:PORT", required=True)
    parser.add_argument("--trainer", metavar="HOST:PORT", required=True)
    parser.add_argument("--listen", metavar="HOST:PORT", default=f"127.0.0.1:{GATEWAY_PORT}")
    parser.add_argument("--folder", type=Path, required=True, help="for the configuration")
    parser.add_argument(
        "--console",
        nargs="?",
        type=Path,
        const=Path(vertebra.__file__).parent / "console_files",
        help="serve the console: of this package, or the built files in a folder",
    )
    for name, words in REPEATED.items():
        parser.add_argument(name, action="append", default=[], help=words)
    for name, words in FILES.items():
        parser.add_argument(name, type=Path, help=words)
    for name, (metavar, words) in TEXTS.items():
        parser.add_argument(name, metavar=metavar, default="", help=words)
    parser.add_argument("--access-log", action="store_true", help="a line a call, as JSON")
    parser.add_argument(
        "--memory-bytes", type=int, help="what it may take; short of it calls are refused"
    )
    parser.add_argument("--concurrency", type=int, default=2, help="threads (%(default)s)")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
