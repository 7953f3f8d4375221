"""A bit that flips on the disk is found without a network, and the next caller gets good bytes."""

from pathlib import Path

import pytest

from tests.catalog_service.api.conftest import failure
from tests.fakes.published_weights import PublishedFile
from tests.fakes.store_site import flip_a_bit
from tests.robustness.counting import Counted
from tests.services import Service
from vertebra.catalog.v1 import storage_service_pb2 as wire
from vertebra.catalog_client import CatalogClient

NAME = "squeezenet1_1"


def place_of(catalog: Service, digest: str) -> Path:
    hexadecimal = digest.removeprefix("sha256:")
    return catalog.log.parent / "blobs" / "sha256" / hexadecimal[:2] / hexadecimal


def test_a_flipped_bit_is_found_put_away_and_had_again(
    catalog: Service, client: CatalogClient, published: dict[str, PublishedFile], counted: Counted
) -> None:
    digest = client.ensure_weights(NAME).blob.digest
    flip_a_bit(place_of(catalog, digest), 4_000_000)

    found = client.storage.verify([NAME])

    assert [one.entry.blob.digest for one in found.corrupt] == [digest]
    assert found.corrupt[0].quarantined
    assert not place_of(catalog, digest).exists()
    assert failure(lambda: client.storage.verify([NAME])).reason == "BLOB_NOT_FOUND"

    again = client.ensure_weights(NAME)
    assert again.blob.digest == digest
    assert client.storage.verify([NAME]).summary == wire.VerifySummary(
        num_verified=1, bytes_verified=again.blob.size_bytes
    )
    counted(flipped_bits=1)


def test_the_naive_look_at_times_and_size_sees_nothing(
    catalog: Service, client: CatalogClient, published: dict[str, PublishedFile]
) -> None:
    """What every other tool does with a cached file."""
    path = place_of(catalog, client.ensure_weights(NAME).blob.digest)
    before = path.stat()

    flip_a_bit(path, 4_000_000)

    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    flip_a_bit(path, 4_000_000)


def test_weights_are_pinned_by_any_spelling(
    client: CatalogClient, published: dict[str, PublishedFile]
) -> None:
    reference = client.ensure_weights(NAME).reference

    (by_architecture,) = client.storage.pin([NAME], owner="tests/pins")
    (by_enum,) = client.storage.pin(["SqueezeNet1_1_Weights.DEFAULT"], owner="tests/pins")

    assert by_architecture.blob == by_enum.blob
    assert list(by_enum.pins) == ["tests/pins"]
    assert reference in by_enum.used_by
    client.storage.unpin([NAME], owner="tests/pins")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("vit_b_16", "BLOB_NOT_FOUND"),
        ("resnet51", "WEIGHTS_NOT_FOUND"),
        ("checkpoints/absent", "CHECKPOINT_NOT_FOUND"),
        ("blobs/1", "FIELD_INVALID"),
        ("../../etc/passwd", "FIELD_INVALID"),
    ],
)
def test_a_name_that_is_nothing_here_is_told_apart(
    client: CatalogClient, name: str, reason: str
) -> None:
    assert failure(lambda: client.storage.pin([name], owner="tests")).reason == reason
