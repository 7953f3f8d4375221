"""One request on one connection: certificates, proxies, times; no redirects and no retries."""

import logging
import ssl
from collections.abc import Mapping
from functools import cached_property
from http.client import HTTPException, RemoteDisconnected
from pathlib import Path
from urllib.parse import unquote

from urllib3 import BaseHTTPResponse, PoolManager, ProxyManager, Timeout, make_headers
from urllib3 import exceptions as broken
from urllib3.util import parse_url

from catalog_service.weights.http.failures import HttpFailure, Nonsense, Unreachable
from catalog_service.weights.http.hosts import host_and_port
from catalog_service.weights.http.policy import HttpPolicy
from catalog_service.weights.http.watch import Watch

STAGES: tuple[tuple[type[Exception], str, str], ...] = (
    (broken.NameResolutionError, "name", "its name cannot be resolved"),
    (broken.NewConnectionError, "connect", "the connection was refused or has no route"),
    (broken.ConnectTimeoutError, "timeout", "no connection within {connect_timeout_s:g} s"),
    (broken.ReadTimeoutError, "timeout", "no answer within {stall_timeout_s:g} s"),
    (broken.SSLError, "tls", "TLS failed"),
    (broken.ProtocolError, "cut", "the connection was cut before it answered"),
)
"""From what urllib3 raises to the stage and what to say; the first that fits counts."""


class Connections:
    """Opens a new connection for every request, so that no state is shared between threads.

    Args:
        policy: times, proxy and certificates are used; hosts are not looked at here.
    """

    def __init__(self, policy: HttpPolicy) -> None:
        self._policy = policy
        # Its lines have whole URLs, signatures in queries included: requests at DEBUG, headers that
        # cannot be read at WARNING.
        logging.getLogger("urllib3").setLevel(logging.ERROR)

    def ask(self, method: str, url: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        """Return the answer, its body unread and undecoded; the caller closes it.

        Raises:
            Unreachable: at which stage.
            Nonsense: what came is no HTTP.
        """
        policy = self._policy
        manager = self._manager(url)
        pool = manager.connection_from_url(url)
        with Watch(policy.connect_timeout_s + policy.stall_timeout_s) as watch:
            pool.ConnectionCls = watch.noting(pool.ConnectionCls)  # type: ignore[assignment]
            try:
                response = manager.urlopen(
                    method,
                    url,
                    headers=dict(headers),
                    redirect=False,
                    retries=False,
                    preload_content=False,
                    decode_content=False,
                )
            except (broken.HTTPError, OSError, ValueError) as error:
                raise self._failure(url, error, watch) from error
        if watch.has_fired:  # http.client takes the end of the connection for the end of headers
            response.close()
            raise self._too_late(url, watch)
        return response

    def _manager(self, url: str) -> PoolManager:
        policy = self._policy
        timeout = Timeout(connect=policy.connect_timeout_s, read=policy.stall_timeout_s)
        context = self._certificates if url.startswith("https:") or policy.proxy else None
        if not policy.proxy:
            return PoolManager(timeout=timeout, ssl_context=context)
        proxy = parse_url(policy.proxy)
        auth = unquote(proxy.auth or "")
        return ProxyManager(
            str(proxy._replace(auth=None)),
            proxy_headers=make_headers(proxy_basic_auth=auth) if auth else None,
            timeout=timeout,
            ssl_context=context,
            proxy_ssl_context=context,
        )

    @cached_property
    def _certificates(self) -> ssl.SSLContext:
        bundle = self._policy.ca_bundle
        if not bundle:
            return ssl.create_default_context()
        try:
            if Path(bundle).is_dir():
                return ssl.create_default_context(capath=bundle)
            return ssl.create_default_context(cafile=bundle)
        except OSError as error:
            why = f"CA bundle {bundle!r} cannot be used: {error.strerror or error}"
            raise Unreachable(why, stage="tls") from error

    def _failure(self, url: str, error: Exception, watch: Watch) -> HttpFailure:
        where = host_and_port(url)
        if watch.has_fired:
            return self._too_late(url, watch)
        cause = error
        if isinstance(error, broken.ProxyError):
            where = f"{where} through the proxy {host_and_port(self._policy.proxy)}"
            cause = error.original_error
        if _is_garbage(cause):
            return Nonsense(f"{where} does not answer in HTTP")
        for kind, stage, text in STAGES:
            if isinstance(cause, kind):
                said = text.format(
                    connect_timeout_s=self._policy.connect_timeout_s,
                    stall_timeout_s=self._policy.stall_timeout_s,
                )
                return Unreachable(f"{where}: {said}{_reason(cause)}", stage=stage)
        if isinstance(cause, OSError):
            return Unreachable(f"{where}: {cause.strerror or cause}", stage="connect")
        return Nonsense(f"{where} does not answer in HTTP ({type(cause).__name__})")

    def _too_late(self, url: str, watch: Watch) -> Unreachable:
        why = f"{host_and_port(url)}: no whole answer within {watch.after_s:g} s"
        return Unreachable(why, stage="timeout")


def _is_garbage(error: Exception) -> bool:
    """Return whether something came that cannot be read as HTTP."""
    inner = error.args[-1] if isinstance(error, broken.ProtocolError) and error.args else None
    return isinstance(inner, HTTPException) and not isinstance(inner, RemoteDisconnected)


def _reason(error: Exception) -> str:
    """Return what the certificate check says; everything else is said already."""
    inner = error.args[0] if isinstance(error, broken.SSLError) and error.args else None
    if isinstance(inner, ssl.SSLCertVerificationError):
        return f": {inner.verify_message}; set the CA bundle if this server is trusted"
    return f": {inner.reason}" if isinstance(inner, ssl.SSLError) and inner.reason else ""
