"""Services that lie and services whose streams break, one address each, for all languages.

Every one is a trainer with a blob store. They have the same finished job, whose events are
`training_script()`, and the same blob. Tests in other languages get the addresses as JSON.
"""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

import grpc

from tests.fakes.fake_blobs import FakeBlobs
from tests.fakes.fake_server import running_server
from tests.fakes.fake_trainer import FakeTrainer, training_script

JOB = "abcd"
BLOB = bytes(range(256)) * 40
"""Ten pieces and a bit."""

UPLOAD = BLOB * 70
"""What is uploaded: three messages."""
UPLOAD_DIGEST = f"sha256:{hashlib.sha256(UPLOAD).hexdigest()}"
UPLOAD_ID = str(uuid5(NAMESPACE_URL, f"vertebra-upload:{UPLOAD_DIGEST}"))
"""The name that its upload has in every language."""
NUM_BEGUN_BYTES = 600_000
"""How much of it an earlier process has sent."""

EVENT_LIES = ("gap", "repeat", "bookmark", "end", "log")
BLOB_LIES = ("offset", "checksum", "bytes", "digest", "more", "short")
BREAKS = (
    "unavailable", "rst", "cancelled", "silent", "rotate", "draining", "slow", "expired"
)  # fmt: skip
UPLOAD_REFUSALS = {
    "full": (grpc.StatusCode.RESOURCE_EXHAUSTED, "DISK_FULL", "no room; nothing was stored"),
    "large": (grpc.StatusCode.RESOURCE_EXHAUSTED, "BLOB_TOO_LARGE", "nothing was stored"),
}
LOST = [
    (grpc.StatusCode.INTERNAL, "Stream removed (RST_STREAM with error code 2)"),
    (grpc.StatusCode.UNAVAILABLE, "connection reset"),
    (grpc.StatusCode.CANCELLED, "too many pending requests"),
]
"""What the way to `flaky` does to the first calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LyingServices:
    """What runs. The names: `honest`, `gone`, `event-<lie>`, `blob-<lie>`, `break-<how>`,
    `blob-break`, `upload-break`, `upload-expired`, `upload-missed`, `upload-begun`,
    `upload-wrong`, `upload-held`, `upload-<refusal>`, `flaky`, `refusing`, `compacted`, `hanging`.
    """

    addresses: dict[str, str]
    fakes: dict[str, FakeTrainer]


def trainers() -> dict[str, FakeTrainer]:
    """Return the services by name, with nothing kept yet."""
    rows = {f"event-{lie}": {"lie": lie} for lie in EVENT_LIES if lie != "log"}
    rows["event-log"] = {"lie": "log", "break_every": 4}
    rows |= {f"break-{how}": {"break_how": how, "break_every": 4} for how in BREAKS}
    rows |= {f"blob-{lie}": {"blobs": FakeBlobs(lie=lie)} for lie in BLOB_LIES}
    rows |= {
        f"upload-{name}": {"blobs": FakeBlobs(write_refusal=refused)}
        for name, refused in UPLOAD_REFUSALS.items()
    }
    refusal = (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", "num_epochs is 0; at least 1")
    rows |= {
        "honest": {},
        "upload-break": {"blobs": FakeBlobs(write_breaks=3)},
        "upload-expired": {"blobs": FakeBlobs(write_expiries=2)},
        "upload-missed": {"blobs": FakeBlobs(write_breaks=1, num_held=2)},
        "upload-begun": {"blobs": FakeBlobs(uploads={UPLOAD_ID: UPLOAD[:NUM_BEGUN_BYTES]})},
        "upload-wrong": {"blobs": FakeBlobs(uploads={UPLOAD_ID: bytes(NUM_BEGUN_BYTES)})},
        "upload-held": {"blobs": FakeBlobs(uploads_in_use={UPLOAD_ID})},
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
