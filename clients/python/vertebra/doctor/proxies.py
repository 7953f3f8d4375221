"""Who passes calls on, as far as they say so."""

from dataclasses import dataclass
from enum import Enum

from vertebra.doctor.arrival import Arrival
from vertebra.doctor.finding import Finding, Level


class Proxy(Enum):
    """Whose settings there are remedies for."""

    ENVOY = "envoy"
    ISTIO = "istio"
    LINKERD = "linkerd"
    NGINX = "nginx"
    ENVOY_GATEWAY = "envoy-gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A header of an answer that gives a proxy away."""

    header: str
    begins: str
    proxy: Proxy


TRACES = (
    Trace(header="server", begins="istio-envoy", proxy=Proxy.ISTIO),
    Trace(header="server", begins="envoy", proxy=Proxy.ENVOY),
    Trace(header="server", begins="nginx", proxy=Proxy.NGINX),
    Trace(header="server", begins="openresty", proxy=Proxy.NGINX),
    Trace(header="l5d-proxy-error", begins="", proxy=Proxy.LINKERD),
)
"""The first that fits. Linkerd shows itself in refusals only."""

FORWARDED = ("x-forwarded-", "x-envoy-", "via")


def proxy_of(said: dict[str, str], arrived: dict[str, str]) -> Proxy | None:
    """Return who it says that it is; a service of ours sends no `server`."""
    for trace in TRACES:
        if trace.header in said and said[trace.header].lower().startswith(trace.begins):
            return trace.proxy
    return Proxy.ENVOY if any(name.startswith("x-envoy-") for name in arrived) else None


def judged(arrival: Arrival) -> tuple[Proxy | None, Finding]:
    """Return who passes calls on, and the line that says so."""
    proxy = proxy_of(dict(arrival.said), arrival.headers)
    signs = sorted(name for name in arrival.headers if name.startswith(FORWARDED))
    seen = "none shows itself"
    if proxy is not None:
        seen = f"{proxy.value} (it says so)"
    elif signs:
        seen = f"one that does not say its name; it adds {', '.join(signs[:3])}"
    return proxy, Finding(check="proxy", level=Level.OK, seen=seen)
