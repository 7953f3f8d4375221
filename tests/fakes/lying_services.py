"""Services that lie and services whose streams break, one address each, for all languages.

Every one is a trainer with a blob store. They have the same finished job, whose events are
`training_script()`, and the same blob. Tests in other languages get the addresses as JSON.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import grpc

from tests.fakes.fake_blobs import FakeBlobs
from tests.fakes.fake_server import running_server
from tests.fakes.fake_trainer import FakeTrainer, training_script

JOB = "abcd"
BLOB = bytes(range(256)) * 40
"""Ten pieces and a bit."""

EVENT_LIES = ("gap", "repeat", "bookmark", "end", "log")
BLOB_LIES = ("offset", "checksum", "bytes", "digest", "more", "short")
BREAKS = (
    "unavailable", "rst", "cancelled", "silent", "rotate", "draining", "slow", "expired"
)  # fmt: skip
LOST = [
    (grpc.StatusCode.INTERNAL, "Stream removed (RST_STREAM with error code 2)"),
    (grpc.StatusCode.UNAVAILABLE, "connection reset"),
    (grpc.StatusCode.CANCELLED, "too many pending requests"),
]
"""What the way to `flaky` does to the first calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LyingServices:
    """What runs. The names: `honest`, `gone`, `event-<lie>`, `blob-<lie>`, `break-<how>`,
    `blob-break`, `flaky`, `refusing`, `compacted`, `hanging`.
    """

    addresses: dict[str, str]
    fakes: dict[str, FakeTrainer]


def trainers() -> dict[str, FakeTrainer]:
    """Return the services by name, with nothing kept yet."""
    rows = {f"event-{lie}": {"lie": lie} for lie in EVENT_LIES if lie != "log"}
    rows["event-log"] = {"lie": "log", "break_every": 4}
    rows |= {f"break-{how}": {"break_how": how, "break_every": 4} for how in BREAKS}
    rows |= {f"blob-{lie}": {"blobs": FakeBlobs(lie=lie)} for lie in BLOB_LIES}
    refusal = (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", "num_epochs is 0; at least 1")
    rows |= {
        "honest": {},
        "blob-break": {"blobs": FakeBlobs(breaks=[3, 0, 4])},
        "flaky": {"failures": list(LOST)},
        "refusing": {"refusal": refusal},
        "compacted": {"compacted": 5},
        "hanging": {"num_hanging": 1},
    }
    return {name: FakeTrainer(script=training_script(), **row) for name, row in rows.items()}


@contextmanager
def lying_services() -> Iterator[LyingServices]:
    """Serve them all; `gone` is an address where nothing is."""
    fakes = trainers()
    with ExitStack() as stack:
        for fake in fakes.values():
            fake.keep(JOB)
            fake.blobs.keep(BLOB)
        addresses = {
            name: stack.enter_context(running_server(fake.add_to)) for name, fake in fakes.items()
        }
        yield LyingServices(addresses={**addresses, "gone": "localhost:1"}, fakes=fakes)
