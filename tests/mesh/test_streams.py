"""Streams through the file that is shipped, and through it with what Envoy does unasked."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.fakes.envoy import running_config
from tests.fakes.path_service import running_path_service
from tests.fakes.ports import free_port
from tests.robustness.counting import Counted
from vertebra.doctor.held_streams import Held, hold
from vertebra.doctor.way import Way
from vertebra.gateway import Gateway, gateway_config

HOLD_S = 6.0
UNASKED_TIMEOUT = ("timeout: 0s", "timeout: 1s")
"""Envoy's own is 15 s; scaled."""
SHORT_SILENCE = ("stream_idle_timeout: 300s", "stream_idle_timeout: 2s")
"""Some have less than two heartbeats; scaled."""

CHANGES: dict[str, tuple[str, str]] = {
    "shipped": ("", ""),
    "unasked": UNASKED_TIMEOUT,
    "short": SHORT_SILENCE,
}


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, bool], Held]]:
    """One stream that speaks and one that is silent through each, all at once."""
    with ExitStack() as running, ThreadPoolExecutor(2 * len(CHANGES)) as pool:
        service = running.enter_context(running_path_service())
        holding = {}
        for name, change in CHANGES.items():
            folder = tmp_path_factory.mktemp(name)
            address = running.enter_context(changed_gateway(folder, service, *change))
            for is_silent in (False, True):
                holding[name, is_silent] = pool.submit(
                    hold, Way(address=address), HOLD_S, is_silent
                )
        yield {key: one.result() for key, one in holding.items()}


@contextmanager
def changed_gateway(folder: Path, service: str, before: str, after: str) -> Iterator[str]:
    """Yield the address of a gateway whose file says `after` where it says `before`."""
    address = f"127.0.0.1:{free_port()}"
    text = gateway_config(Gateway(catalog=service, trainer=service, listen=address))
    assert before in text
    config = folder / "gateway.yaml"
    config.write_text(text.replace(before, after) if before else text)
    with running_config(config, [int(address.rpartition(":")[2])]):
        yield address


@pytest.mark.parametrize("is_silent", [False, True])
def test_the_gateway_cuts_no_stream(
    streams: dict[tuple[str, bool], Held], is_silent: bool, counted: Counted
) -> None:
    assert not streams["shipped", is_silent].is_cut
    counted(streams_held=1)


@pytest.mark.parametrize("is_silent", [False, True])
def test_without_its_timeout_every_stream_is_cut(
    streams: dict[tuple[str, bool], Held], is_silent: bool
) -> None:
    """The control: what Envoy does to routes that say nothing."""
    assert streams["unasked", is_silent].is_cut


def test_with_less_patience_silent_streams_are_cut_and_those_with_heartbeats_are_not(
    streams: dict[tuple[str, bool], Held],
) -> None:
    assert streams["short", True].is_cut
    assert not streams["short", False].is_cut
