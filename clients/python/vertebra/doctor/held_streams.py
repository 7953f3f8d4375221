"""How long streams last on the way, beating and silent ones, and which limit that shows.

Two of each kind are held, the second begun later: a limit cuts both at the same age, a connection
that breaks cuts them at the same moment. Silent ones get Envoy's own word for what it did, because
nothing has been answered yet; beating ones only a reset.
"""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc

from vertebra.client_errors import RpcFailed, from_rpc_error
from vertebra.diagnostics.v1 import path_service_pb2 as pb
from vertebra.doctor.finding import Certainty, Fault, Finding, Level
from vertebra.doctor.way import Way
from vertebra.model.v1.stream_pb2 import StreamEnd

HEARTBEAT_S = 15.0
"""Between two signs of life on a silent stream of ours."""
NEEDED_SILENCE_S = 2 * HEARTBEAT_S
"""One heartbeat that is late must not cut a stream."""
THOROUGH_S = 330.0
"""More than the 5 minutes after which Envoy cuts what is silent, unless told otherwise."""
LONGEST_HOLD_S = 3600
PATIENCE_S = 30.0
"""After its end a stream that has not ended hangs."""

WORDS = {
    "upstream request timeout": Fault.ROUTE_TIMEOUT,
    "stream timeout": Fault.IDLE_TIMEOUT,
    "downstream duration timeout": Fault.MAX_DURATION,
    "Deadline Exceeded": Fault.MAX_DURATION,
}
"""Envoy's texts. Source: source/common/router/router.cc and http/conn_manager_impl.cc; seen with
Envoy 1.40. The last is the service's own: Envoy hands it the route's maximum as a deadline, and we
set none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A stream that was held."""

    is_silent: bool
    began_s: float
    lasted_s: float
    failure: RpcFailed | None = None
    """None: it ended in order."""
    said: str = ""
    """The words of whoever cut it, where there are any."""
    is_drained: bool = False
    """The service shut down meanwhile: says nothing of the way."""

    @property
    def is_cut(self) -> bool:
        """Whether something ended it before its time."""
        return self.failure is not None

    @property
    def ended_s(self) -> float:
        """The moment, on the clock of `began_s`."""
        return self.began_s + self.lasted_s


def flag_to_hold(longer_than_s: float) -> str:
    """Return what asks the doctor to hold streams for more than so many seconds."""
    if longer_than_s < THOROUGH_S:
        return "--thorough"
    return f"--hold {min(2 * longer_than_s, LONGEST_HOLD_S):g}"


def stagger_s(hold_s: float) -> float:
    """Return how much later the second stream of a kind begins."""
    return max(1.0, min(3.0, hold_s / 3))


def hold_streams(way: Way, hold_s: float) -> list[Held]:
    """Hold two beating and two silent streams for `hold_s` seconds each, all at once."""
    wants = [
        (is_silent, delay_s) for delay_s in (0.0, stagger_s(hold_s)) for is_silent in (False, True)
    ]
    with ThreadPoolExecutor(len(wants)) as pool:
        return list(pool.map(lambda want: hold(way, hold_s, *want), wants))


def hold(way: Way, hold_s: float, is_silent: bool, delay_s: float = 0.0) -> Held:
    """Hold one stream, on a connection of its own; a beating one beats 20 times or each second."""
    request = pb.HoldStreamRequest()
    request.duration.FromMilliseconds(round(hold_s * 1000))
    if not is_silent:
        request.interval.FromMilliseconds(round(min(1.0, hold_s / 20) * 1000))
    way.pause(delay_s)
    with way.stub() as stub:
        return held(way, stub.HoldStream(request, metadata=way.metadata), hold_s, is_silent)


def held(way: Way, stream: grpc.Call, hold_s: float, is_silent: bool) -> Held:
    """Read a stream to its end, whatever that is."""
    began, reason, failure, said = time.monotonic(), None, None, ""
    watch = threading.Timer(hold_s + PATIENCE_S, stream.cancel)
    watch.daemon = True
    watch.start()
    try:
        for message in stream:  # type: ignore[attr-defined]  # a call that is iterated
            reason = message.end.reason if message.HasField("end") else reason
    except grpc.RpcError as error:
        failure, said = from_rpc_error(error, way.address), error.details() or ""
    finally:
        watch.cancel()
    if failure is None and reason is None:
        failure = RpcFailed(grpc.StatusCode.UNKNOWN, "it ended without a last message")
    return Held(
        is_silent=is_silent,
        began_s=began,
        lasted_s=time.monotonic() - began,
        failure=failure,
        said=said,
        is_drained=reason == StreamEnd.REASON_DRAINING,
    )


def judged(streams: Sequence[Held], hold_s: float) -> list[Finding]:
    """Return what the streams show of the longest stream and of the longest silence."""
    refused = next((one.failure for one in streams if one.failure and is_refusal(one)), None)
    if refused is not None:
        seen = f"not asked: {refused}"
        return [
            Finding(check=check, level=Level.UNKNOWN, seen=seen)
            for check in ("long streams", "silent streams")
        ]
    if any(_is_hung(one, hold_s) for one in streams):
        return _held_back(hold_s)
    whole = [one for one in streams if not one.is_drained]
    beating = [one for one in whole if not one.is_silent]
    silent = [one for one in whole if one.is_silent]
    word = _word_of(silent)
    longest = _longest(beating, silent, hold_s, word)
    return [longest, _silence(silent, hold_s, longest, word)]


def _longest(
    beating: Sequence[Held], silent: Sequence[Held], hold_s: float, word: Fault | None
) -> Finding:
    """Return how long a stream may last that says something all the time."""
    check = "long streams"
    if not beating:
        return Finding(check=check, level=Level.UNKNOWN, seen="the service shut down meanwhile")
    cuts = [one for one in beating if one.is_cut]
    if not cuts:
        more = flag_to_hold(hold_s)
        seen = f"none cut in {hold_s:g} s ({len(beating)} held); longer limits: {more}"
        return Finding(check=check, level=Level.OK, seen=seen, certainty=Certainty.LIKELY)
    if _broke_at_once(beating, hold_s) or not _agree(beating, hold_s):
        return _broken(check, cuts)
    limit_s = _mean(cuts)
    fault = word if word in (Fault.ROUTE_TIMEOUT, Fault.MAX_DURATION) else Fault.STREAM_CUT
    also = [one for one in silent if one.is_cut and _same_age(one.lasted_s, limit_s, hold_s)]
    named = f": a {fault.value}" if fault is not Fault.STREAM_CUT else ""
    count = f"{len(cuts) + len(also)} of {len(beating) + len(also)}"
    return Finding(
        check=check,
        level=Level.WRONG,
        seen=f"cut after {limit_s:.1f} s ({count}){named}",
        certainty=Certainty.SURE if len(cuts) > 1 else Certainty.LIKELY,
        fault=fault,
        value=round(limit_s, 1),
        unit="s",
    )


def _silence(
    silent: Sequence[Held], hold_s: float, longest: Finding, word: Fault | None
) -> Finding:
    """Return how long a stream may be silent."""
    check = "silent streams"
    if not silent:
        return Finding(check=check, level=Level.UNKNOWN, seen="the service shut down meanwhile")
    cuts = [one for one in silent if one.is_cut]
    if not cuts:
        return _not_cut(check, silent, hold_s)
    if _broke_at_once(silent, hold_s) or not _agree(silent, hold_s):
        return _broken(check, cuts)
    limit_s = _mean(cuts)
    is_masked = longest.value is not None and _same_age(limit_s, longest.value, hold_s)
    if is_masked and word is not Fault.IDLE_TIMEOUT:
        seen = f"not seen: all streams end after {limit_s:.1f} s, see long streams"
        return Finding(check=check, level=Level.UNKNOWN, seen=seen)
    is_enough = limit_s > NEEDED_SILENCE_S
    return Finding(
        check=check,
        level=Level.NOTE if is_enough else Level.WRONG,
        seen=f"cut after {limit_s:.1f} s without a word ({len(cuts)} of {len(silent)})",
        certainty=Certainty.SURE if len(cuts) > 1 else Certainty.LIKELY,
        fault=None if is_enough else Fault.IDLE_TIMEOUT,
        value=round(limit_s, 1),
        unit="s",
    )


def _not_cut(check: str, silent: Sequence[Held], hold_s: float) -> Finding:
    seen = f"none cut in {hold_s:g} s ({len(silent)} held)"
    if hold_s >= NEEDED_SILENCE_S:
        return Finding(check=check, level=Level.OK, seen=seen, certainty=Certainty.SURE)
    seen += f"; {NEEDED_SILENCE_S:g} s are needed: hold longer"
    return Finding(check=check, level=Level.UNKNOWN, seen=seen)


def _broken(check: str, cuts: Sequence[Held]) -> Finding:
    ages = " and ".join(f"{one.lasted_s:.1f} s" for one in cuts)
    said = cuts[0].said or cuts[0].failure
    seen = f"broke after {ages}, at no age that repeats: no limit, but a restart or a network"
    return Finding(
        check=check,
        level=Level.NOTE,
        seen=f"{seen} ({said}); run this again",
        certainty=Certainty.UNSURE,
    )


def _word_of(silent: Sequence[Held]) -> Fault | None:
    """Return what Envoy called it, where all say the same."""
    said = {WORDS.get(one.said) for one in silent if one.is_cut}
    return said.pop() if len(said) == 1 else None


def is_refusal(one: Held) -> bool:
    """Return whether the service would not hold the stream at all."""
    refusals = (
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    )
    return one.failure is not None and one.failure.code in refusals


def _is_hung(one: Held, hold_s: float) -> bool:
    return one.is_cut and one.lasted_s > hold_s + PATIENCE_S - 1


def _held_back(hold_s: float) -> list[Finding]:
    seen = f"nothing came at the end, {hold_s:g} s, nor later: something holds answers back"
    return [
        Finding(check=check, level=Level.WRONG, seen=seen, certainty=Certainty.LIKELY)
        for check in ("long streams", "silent streams")
    ]


def _same_age(one_s: float, other_s: float, hold_s: float) -> bool:
    return abs(one_s - other_s) < stagger_s(hold_s) / 2


def _agree(streams: Sequence[Held], hold_s: float) -> bool:
    """Return whether all were cut, and at one age."""
    ages = [one.lasted_s for one in streams]
    return all(one.is_cut for one in streams) and _same_age(min(ages), max(ages), hold_s)


def _broke_at_once(streams: Sequence[Held], hold_s: float) -> bool:
    """Return whether several ended at one moment, and not at one age."""
    ends = [one.ended_s for one in streams if one.is_cut]
    return len(ends) > 1 and _same_age(min(ends), max(ends), hold_s)


def _mean(cuts: Sequence[Held]) -> float:
    return sum(one.lasted_s for one in cuts) / len(cuts)
