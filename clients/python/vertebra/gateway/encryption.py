"""Certificates of a gateway, as Envoy's configuration has them.

Envoy reads certificates that stand in its configuration once. Those that come from a file of
secrets of their own are read again when somebody puts new ones in their place: `write_secrets`
writes these files, and a gateway that knows their folder refers to them.
"""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vertebra.gateway.fragments import TYPES, Fragment, host_and_port

if TYPE_CHECKING:
    from vertebra.gateway.config import Gateway

LISTEN_CERTIFICATE, CLIENT_CA = "listen_certificate", "client_ca"
SERVICE_CERTIFICATE, SERVICE_CA = "service_certificate", "service_ca"


def write_secrets(gateway: "Gateway", folder: Path) -> Path:
    """Write what names the certificates' files, a file each, and return the folder.

    Raises:
        FileNotFoundError: one of the certificates' files is missing: Envoy would wait for it.
    """
    missing = [str(file) for file in _files_of(gateway) if not file.is_file()]
    if missing:
        raise FileNotFoundError(f"no certificates for the gateway: {', '.join(missing)} missing")
    for name, secret in secrets_of(gateway).items():
        resource = {"@type": f"{TYPES}.transport_sockets.tls.v3.Secret", "name": name, **secret}
        (folder / f"{name}.yaml").write_text(json.dumps({"resources": [resource]}), "utf-8")
    return folder


def _files_of(gateway: "Gateway") -> list[Path]:
    listen, service = gateway.listen_tls, gateway.service_tls
    named = [listen.cert, listen.key, listen.client_ca] if listen else []
    named += [service.ca, service.cert, service.key] if service else []
    return [file for file in named if file is not None]


def secrets_of(gateway: "Gateway") -> dict[str, Fragment]:
    """Return the secrets by name; no bytes of theirs, only where they are."""
    found: dict[str, Fragment] = {}
    if (listen := gateway.listen_tls) is not None:
        found[LISTEN_CERTIFICATE] = {"tls_certificate": _pair(listen.cert, listen.key)}
        if listen.client_ca is not None:
            found[CLIENT_CA] = {"validation_context": _authority(listen.client_ca)}
    if (service := gateway.service_tls) is not None:
        found[SERVICE_CA] = {"validation_context": _authority(service.ca)}
        if service.cert is not None and service.key is not None:
            found[SERVICE_CERTIFICATE] = {"tls_certificate": _pair(service.cert, service.key)}
    return found


def listen_tls(gateway: "Gateway") -> Fragment | None:
    """Return how callers see the gateway; None is plain text."""
    tls = gateway.listen_tls
    if tls is None:
        return None
    common = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        **_certificate(gateway, LISTEN_CERTIFICATE),
    }
    if tls.client_ca is not None:
        common |= _validation(gateway, CLIENT_CA, {})
    wants = tls.client_ca is not None
    context = {"common_tls_context": common, "require_client_certificate": wants}
    return _socket("DownstreamTlsContext", context)


def service_tls(gateway: "Gateway", service: str) -> Fragment | None:
    """Return how the gateway knows a service; None is plain text."""
    tls = gateway.service_tls
    if tls is None:
        return None
    name = tls.server_name or host_and_port(service)[0]
    common = {"alpn_protocols": ["h2"], **_validation(gateway, SERVICE_CA, _named(name))}
    if tls.cert is not None:
        common |= _certificate(gateway, SERVICE_CERTIFICATE)
    return _upstream(name, common)


def known_server(name: str, ca: Path) -> Fragment:
    """Return how a server is known that is neither ours nor shown anything."""
    return _upstream(name, {"validation_context": {**_authority(ca), **_named(name)}})


def _upstream(name: str, common: Fragment) -> Fragment:
    """Return the way to a server, which is told by which name it is called, if it has one."""
    context: Fragment = {"common_tls_context": common}
    if _kind(name) == "DNS":
        context["sni"] = name
    return _socket("UpstreamTlsContext", context)


def _named(name: str) -> Fragment:
    """Return that a certificate has to have a name."""
    names = [{"san_type": _kind(name), "matcher": {"exact": name}}]
    return {"match_typed_subject_alt_names": names}


def _kind(name: str) -> str:
    if "://" in name:
        return "URI"
    return "IP_ADDRESS" if re.fullmatch(r"[0-9.]+|.*:.*", name) else "DNS"


def _certificate(gateway: "Gateway", name: str) -> Fragment:
    if gateway.secrets_folder is None:
        return {"tls_certificates": [secrets_of(gateway)[name]["tls_certificate"]]}
    return {"tls_certificate_sds_secret_configs": [_source(gateway.secrets_folder, name)]}


def _validation(gateway: "Gateway", name: str, wanted: Fragment) -> Fragment:
    if gateway.secrets_folder is None:
        authority = secrets_of(gateway)[name]["validation_context"]
        return {"validation_context": {**authority, **wanted}}
    source = _source(gateway.secrets_folder, name)
    both = {"default_validation_context": wanted, "validation_context_sds_secret_config": source}
    return {"combined_validation_context": both}


def _source(folder: Path, name: str) -> Fragment:
    path = {"path": str((folder / f"{name}.yaml").absolute())}
    return {"name": name, "sds_config": {"path_config_source": path, "resource_api_version": "V3"}}


def _pair(cert: Path, key: Path) -> Fragment:
    return {
        "certificate_chain": {"filename": str(cert.absolute())},
        "private_key": {"filename": str(key.absolute())},
        "watched_directory": {"path": str(cert.absolute().parent)},
    }


def _authority(file: Path) -> Fragment:
    return {
        "trusted_ca": {"filename": str(file.absolute())},
        "watched_directory": {"path": str(file.absolute().parent)},
    }


def _socket(kind: str, context: Fragment) -> dict[str, Any]:
    typed = {"@type": f"{TYPES}.transport_sockets.tls.v3.{kind}", **context}
    return {"name": "envoy.transport_sockets.tls", "typed_config": typed}
