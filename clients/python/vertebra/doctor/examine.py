"""The whole examination: one call first, then everything else at once."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import grpc

from vertebra.client_errors import RpcFailed
from vertebra.doctor import (
    arrival,
    browsers,
    held_streams,
    pings,
    proxies,
    reach,
    repeats,
    sizes,
)
from vertebra.doctor.finding import Certainty, Fault, Finding, Level
from vertebra.doctor.proxies import Proxy
from vertebra.doctor.way import Way

HOLD_S = 33.0
"""More than two heartbeats, and all of it within 40 s."""
MEASURED_WITHIN_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found."""

    way: Way
    hold_s: float
    took_s: float
    proxy: Proxy | None
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> list[Fault]:
        """What is to be mended, the worst first, each once."""
        wrong = [one for one in self.findings if one.level is Level.WRONG]
        notes = [one for one in self.findings if one.level is Level.NOTE]
        return list(dict.fromkeys(one.fault for one in (*wrong, *notes) if one.fault))

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return all(one.level is not Level.WRONG for one in self.findings)


def examine(way: Way, *, hold_s: float = HOLD_S, ping_s: float = pings.CLOSEST_S) -> Report:
    """Return what the way does to calls.

    Args:
        hold_s: how long streams are held; limits above it are not seen.
        ping_s: between two pings; services of ours refuse them closer than 10 s.

    Raises:
        CredentialsUnusable: files that cannot be read.
    """
    began = time.monotonic()
    try:
        first = arrival.call_through(way)
    except RpcFailed as failure:
        proxy, findings = _proxy_of(failure), [reach.judged(way, failure)]
    else:
        proxy, seen = proxies.judged(first)
        findings = [*arrival.judged(way, first), seen, *_rest(way, first, hold_s, ping_s)]
    return Report(
        way=way,
        hold_s=hold_s,
        took_s=time.monotonic() - began,
        proxy=proxy,
        findings=tuple(findings),
    )


def _rest(way: Way, first: arrival.Arrival, hold_s: float, ping_s: float) -> list[Finding]:
    with ThreadPoolExecutor(4) as pool, way.given_up_when_interrupted():
        holding = pool.submit(held_streams.hold_streams, way, hold_s)
        pinging = pool.submit(pings.hold_with_pings, way, hold_s, ping_s)
        spoken = pool.submit(browsers.spoken, way)
        counts = repeats.count_calls(way)
        largest = (sizes.largest_request(way), sizes.largest_answer(way))
        long, silent = held_streams.judged(holding.result(), hold_s)
        return [
            _told_by_envoy(long, first, hold_s),
            silent,
            repeats.judged(counts),
            *sizes.judged(*largest),
            _unless_cut(pings.judged(pinging.result(), ping_s), long, silent),
            browsers.judged(spoken.result()),
        ]


def _told_by_envoy(long: Finding, first: arrival.Arrival, hold_s: float) -> Finding:
    """Return the finding with what Envoy tells the service of its route's timeout."""
    timeout_s = arrival.route_timeout_s(first)
    if timeout_s is None:
        return long
    if long.fault is Fault.STREAM_CUT and abs((long.value or 0) - timeout_s) < MEASURED_WITHIN_S:
        fault = Fault.ROUTE_TIMEOUT
        return replace(long, seen=f"{long.seen}: a {fault.value}, Envoy says so", fault=fault)
    if long.level is not Level.OK or timeout_s <= hold_s:
        return long
    more = held_streams.flag_to_hold(timeout_s)
    said = f"; Envoy gives other calls {timeout_s:g} s: whether streams, too, shows {more}"
    return replace(long, level=Level.NOTE, seen=long.seen + said, certainty=Certainty.UNSURE)


def _unless_cut(ping: Finding, long: Finding, silent: Finding) -> Finding:
    """Return the pings' finding, unless their stream ended by another limit before any was due."""
    if ping.level is not Level.UNKNOWN or not (long.value or silent.value):
        return ping
    return replace(ping, seen="no time for one: streams are cut before")


def _proxy_of(failure: RpcFailed) -> Proxy | None:
    """Return who refused, where the refusal says so."""
    error = failure.__cause__
    if not isinstance(error, grpc.Call):
        return None
    metadata = (*(error.initial_metadata() or ()), *(error.trailing_metadata() or ()))
    return proxies.proxy_of({key: str(value) for key, value in metadata}, {})
