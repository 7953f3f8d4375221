"""Manifests that somebody has written wrong, or has changed: nothing of them is believed unseen."""

from collections.abc import Callable

import pytest

from tests.fakes.bundle_sites import EVERYTHING, Json, Sites
from vertebra.catalog.v1 import storage_service_pb2 as wire
from vertebra.client_errors import RpcFailed

PRESENT, REFUSED, MISSING = (
    wire.ImportedEntry.OUTCOME_PRESENT,
    wire.ImportedEntry.OUTCOME_REFUSED,
    wire.ImportedEntry.OUTCOME_BLOB_MISSING,
)


def test_another_manifest_than_announced_lists_nothing(sites: Sites) -> None:
    with pytest.raises(RpcFailed) as caught:
        sites.away.import_bundle(b"{}", expected_digest=f"sha256:{'0' * 64}")

    assert caught.value.reason == "MANIFEST_DIGEST"


def weight(manifest: Json) -> Json:
    """Return squeezenet's entry."""
    found: Json = next(one for one in manifest["weights"] if "SqueezeNet" in one["reference"])
    return found


def quantized(manifest: Json) -> Json:
    """Return the quantized weight's entry."""
    found: Json = next(one for one in manifest["weights"] if "Quantized" in one["reference"])
    return found


def letters(manifest: Json) -> Json:
    """Return the checkpoint's entry."""
    found: Json = manifest["checkpoints"][0]
    return found


MALFORMED: dict[str, Callable[[Json], object]] = {
    "another version": lambda m: m.update(version=2),
    "an unknown field": lambda m: m.update(more=1),
    "an entry twice": lambda m: m["weights"].append(dict(m["weights"][0])),
    "a digest that is a path": lambda m: weight(m).update(blob_digest="sha256:../../etc/passwd"),
    "a negative size": lambda m: weight(m).update(size_bytes=-1),
    "a size beyond 64 bits": lambda m: weight(m).update(size_bytes=2**63),
    "an unknown proof": lambda m: weight(m).update(proof="trust me"),
    "half a character": lambda m: weight(m).update(licence="\ud800"),
    "not a number": lambda m: letters(m)["entry"]["metrics"].update(accuracy=float("nan")),
    "infinity": lambda m: letters(m)["entry"].update(create_time=float("inf")),
    "another checkpoint's entry": lambda m: letters(m)["entry"].update(checkpoint_id="digits"),
    "a page of text": lambda m: letters(m)["entry"]["lineage"].update(note="x" * 300_000),
    "a list for a name": lambda m: weight(m).update(reference=["x"]),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_manifest_is_refused_as_one(sites: Sites, name: str) -> None:
    manifest = sites.manifest()
    MALFORMED[name](manifest)

    with pytest.raises(RpcFailed) as caught:
        sites.outcomes(manifest)

    assert caught.value.reason == "MANIFEST_INVALID"
    assert len(caught.value.message) < 1500


def rename(manifest: Json, name: str) -> Json:
    """Give the checkpoint a name that is free on the other side; return its entry."""
    entry = letters(manifest)
    entry["reference"] = f"checkpoints/{name}"
    entry["entry"]["checkpoint_id"] = name
    return entry


def swap_blob(manifest: Json) -> None:
    """Call squeezenet's blob a backbone of resnet18."""
    entry, other = rename(manifest, "swapped"), weight(manifest)
    entry.update(blob_digest=other["blob_digest"], size_bytes=other["size_bytes"])
    entry["entry"].update(blob_digest=other["blob_digest"], blob_size_bytes=other["size_bytes"])


LIES: dict[str, tuple[Callable[[Json], object], str]] = {
    "another file than published": (
        lambda m: weight(m).update(source_digest=f"sha256:{'0' * 64}"),
        "published file had",
    ),
    "another size": (lambda m: weight(m).update(size_bytes=1), "bytes, not 1"),
    "a quantized weight that was converted": (
        lambda m: quantized(m).update(
            blob_digest=weight(m)["blob_digest"], size_bytes=weight(m)["size_bytes"]
        ),
        "not the published file",
    ),
    "another spelling": (lambda m: weight(m).update(reference="squeezenet1_1"), "called"),
    "no such weight": (lambda m: weight(m).update(reference="torchvision/X.Y"), "no weights"),
    "another architecture": (lambda m: weight(m).update(architecture_id="vgg16"), "here it is"),
    "a checkpoint of another blob": (swap_blob, "holds backbone"),
    "a checkpoint of other numbers": (
        lambda m: rename(m, "other")["entry"].update(backbone_digest=f"sha256:{'0' * 64}"),
        "holds backbone",
    ),
    "an architecture from elsewhere": (
        lambda m: rename(m, "alien")["entry"].update(architecture_id="resnet9000"),
        "no architecture",
    ),
    "a structure of another architecture": (
        lambda m: rename(m, "odd")["entry"].update(
            structure_of="torchvision/ResNet50_Weights.IMAGENET1K_V2"
        ),
        "is no resnet18",
    ),
    "a name that is a path": (lambda m: rename(m, "../x"), "no name of a checkpoint"),
    "a number that no message holds": (
        lambda m: rename(m, "big")["entry"]["lineage"].update(num_images=2**70),
        "malformed",
    ),
    "a proof that is none": (
        lambda m: rename(m, "proof")["entry"]["lineage"].update(source_proof="trust me"),
        "malformed",
    ),
    "other numbers under a name that is taken": (
        lambda m: letters(m)["entry"].update(backbone_digest=f"sha256:{'1' * 64}"),
        "under this name",
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_an_entry_that_cannot_be_true_is_refused_and_the_rest_goes_in(
    sites: Sites, name: str
) -> None:
    lie, why = LIES[name]
    manifest = sites.manifest()
    lie(manifest)

    found = sites.outcomes(manifest)

    refused = [one for one in found.values() if one.outcome == REFUSED]
    assert len(refused) == 1
    assert why in refused[0].text
    assert sum(one.outcome == PRESENT for one in found.values()) == len(EVERYTHING) - 1
    list(sites.away.list_checkpoints())


def test_a_blob_that_is_another_weight_is_refused_by_its_tensors(sites: Sites) -> None:
    manifest = sites.manifest()
    other = weight(manifest)
    mobilenet = sites.home.ensure_weights("mobilenet_v3_small")
    manifest["weights"] = [
        {
            **other,
            "reference": mobilenet.reference,
            "architecture_id": "mobilenet_v3_small",
            "file_name": sites.home.get_weights("mobilenet_v3_small").file_name,
            "source_digest": mobilenet.source_digest,
        }
    ]

    found = sites.outcomes(manifest)[mobilenet.reference]

    assert found.outcome == REFUSED
    assert "missing or of another shape" in found.text


def test_a_blob_that_was_not_sent_is_missing(sites: Sites) -> None:
    manifest = sites.manifest()
    weight(manifest)["blob_digest"] = f"sha256:{'a' * 64}"

    found = sites.outcomes(manifest)

    assert [one.outcome for one in found.values()].count(MISSING) == 1
