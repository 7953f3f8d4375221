"""Bundles between two real catalogs: one that asks publishers on loopback, one that asks nobody."""

from pathlib import Path

import pytest

from tests.fakes.bundle_sites import (
    DINOV3,
    EVERYTHING,
    QUANTIZED,
    REPOSITORY,
    WEIGHTS,
    Sites,
    carry,
)
from vertebra.bundle_check import Defect, defects
from vertebra.bundle_export import BundleOrder, NoRoom, Watcher, export_bundle
from vertebra.bundle_files import FolderFiles, manifest_of, open_bundle
from vertebra.bundle_import import ImportWatcher, import_bundle
from vertebra.bundle_layout import BundleUnusable
from vertebra.catalog.v1 import storage_service_pb2 as wire
from vertebra.client_errors import RpcFailed

IMPORTED, PRESENT = wire.ImportedEntry.OUTCOME_IMPORTED, wire.ImportedEntry.OUTCOME_PRESENT


def test_everything_that_was_chosen_resolves_where_there_is_no_network(sites: Sites) -> None:
    assert [one.outcome for one in sites.carried.report.entries] == [IMPORTED] * len(EVERYTHING)
    for name in EVERYTHING:
        there, here = sites.home.ensure_weights(name), sites.away.ensure_weights(name)
        assert here.blob == there.blob
        assert (here.source_digest, here.source_proof) == (there.source_digest, there.source_proof)
        assert [step.location for step in here.trail] == ["store"]


def test_a_repository_means_the_same_commit_on_both_sides(sites: Sites) -> None:
    there, here = (site.ensure_weights(REPOSITORY) for site in (sites.home, sites.away))

    assert "@" in there.reference
    assert here.reference == there.reference


def test_a_quantized_weight_arrives_as_it_was_published(sites: Sites) -> None:
    """Its file is never opened: packed parameters are pickled."""
    here = sites.away.ensure_weights(QUANTIZED)

    assert here.blob.digest == here.source_digest
    assert b"".join(sites.away.blobs.read(here.blob.digest)) == sites.published_quantized


def test_a_checkpoint_arrives_with_its_whole_entry(sites: Sites) -> None:
    name = "checkpoints/letters"

    assert sites.away.get_checkpoint(name) == sites.home.get_checkpoint(name)
    spec = {"backbone": "resnet18", "weights": name, "classification": {"num_classes": 2}}
    built = sites.away.build_model(spec)
    assert built.backbone_digest == sites.home.get_checkpoint(name).backbone_digest


def test_the_same_bundle_again_changes_nothing_and_sends_nothing(sites: Sites) -> None:
    again = carry(sites.away, sites.folder)

    assert {one.outcome for one in again.report.entries} == {PRESENT}
    assert again.lacking == ()


def test_the_same_selection_has_the_same_bytes(sites: Sites, tmp_path: Path) -> None:
    again = sites.export(tmp_path / "again", *reversed(EVERYTHING))

    assert again.data == (sites.folder / "manifest.json").read_bytes()


def test_a_bundle_on_top_of_another_holds_new_blobs_only(sites: Sites, tmp_path: Path) -> None:
    base = (sites.folder / "manifest.json").read_bytes()

    delta = sites.export(tmp_path / "delta", *EVERYTHING, "checkpoints/others", base_manifest=base)

    assert delta.base_digest == manifest_of(FolderFiles(sites.folder)).digest
    assert [blob.references for blob in delta.blobs] == [("checkpoints/others",)]
    files = list((tmp_path / "delta/blobs/sha256").iterdir())
    assert [file.name for file in files] == [delta.blobs[0].digest.removeprefix("sha256:")]
    nothing_new = sites.home.plan_bundle({"names": EVERYTHING}, base_manifest=base)
    assert (nothing_new.num_in_base, len(nothing_new.entries)) == (len(EVERYTHING), 0)


def test_a_plan_asks_nobody(sites: Sites) -> None:
    before = len(sites.world.torchvision.requests), len(sites.world.hub_origin.requests)

    plan = sites.home.plan_bundle(
        {"names": ["densenet121", DINOV3, "huggingface/timm/resnet50.a1_in1k"]}
    )

    assert len(plan.entries) == 3
    assert plan.missing_bytes == plan.total_bytes > 0
    after = len(sites.world.torchvision.requests), len(sites.world.hub_origin.requests)
    assert after == before


def test_an_export_that_is_asked_for_again_copies_only_what_is_wrong(
    sites: Sites, tmp_path: Path
) -> None:
    sites.export(tmp_path / "b", *WEIGHTS)
    good, bad = sorted((tmp_path / "b/blobs/sha256").iterdir())
    bad.write_bytes(b"x" + bad.read_bytes()[1:])
    seen, was = good.stat(), bad.stat().st_ino

    sites.export(tmp_path / "b", *WEIGHTS)

    assert (good.stat().st_ino, good.stat().st_mtime_ns) == (seen.st_ino, seen.st_mtime_ns)
    assert bad.stat().st_ino != was
    assert manifest_of(FolderFiles(tmp_path / "b")).num_entries == 2


def test_terms_that_must_be_passed_on_stop_an_export_without_their_text(
    sites: Sites, tmp_path: Path
) -> None:
    with pytest.raises(RpcFailed) as caught:
        sites.export(tmp_path / "b", WEIGHTS[0], DINOV3)

    assert caught.value.reason == "LICENCE_TEXT_MISSING"
    assert "--licence-text" in caught.value.message


def test_what_cannot_be_had_is_left_out_where_that_is_asked_for(
    sites: Sites, tmp_path: Path
) -> None:
    manifest = sites.export(tmp_path / "b", WEIGHTS[0], DINOV3, "resnet18", skip_unavailable=True)

    assert [blob.references[0] for blob in manifest.blobs] == [
        "torchvision/SqueezeNet1_1_Weights.IMAGENET1K_V1"
    ]


def test_a_dry_run_lists_nothing(sites: Sites, tmp_path: Path) -> None:
    sites.export(tmp_path / "b", "mobilenet_v3_small")
    files = FolderFiles(tmp_path / "b")

    dry = import_bundle(sites.away, files, manifest_of(files), ImportWatcher(), dry_run=True)

    assert dry.num_failed == 0 and len(dry.lacking) == 1
    with pytest.raises(RpcFailed):
        sites.away.blobs.stat(dry.lacking[0])


def test_a_deleted_checkpoint_comes_back_with_a_bundle(sites: Sites) -> None:
    sites.away.delete_checkpoint("checkpoints/letters")

    carry(sites.away, sites.folder)

    assert sites.away.get_checkpoint("checkpoints/letters").blob.digest


class Killed(Watcher):
    """Ends an export when the first blob is half there."""

    def copies(self, reference: str, num_bytes: int) -> None:
        """Kill."""
        raise KeyboardInterrupt


def test_an_export_that_is_killed_leaves_no_manifest_and_goes_on(
    sites: Sites, tmp_path: Path
) -> None:
    order = BundleOrder(selection={"names": WEIGHTS}, target=tmp_path / "b", licence_texts={})
    plan = sites.home.plan_bundle(order.selection)
    with pytest.raises(KeyboardInterrupt):
        export_bundle(sites.home, order, plan, Killed())
    with pytest.raises(BundleUnusable):
        manifest_of(FolderFiles(tmp_path / "b"))

    sites.export(tmp_path / "b", *WEIGHTS)

    assert found_wrong(tmp_path / "b") == []


def test_another_selection_in_the_same_folder_leaves_nothing_of_the_first(
    sites: Sites, tmp_path: Path
) -> None:
    sites.export(tmp_path / "b", *WEIGHTS)
    sites.export(tmp_path / "b", WEIGHTS[0])

    assert found_wrong(tmp_path / "b") == []


def test_a_tar_is_the_same_bundle_in_one_file(sites: Sites, tmp_path: Path) -> None:
    folder = sites.export(tmp_path / "b", *WEIGHTS)
    packed = sites.export(tmp_path / "b.tar", *WEIGHTS)

    assert packed.data == folder.data
    assert [each.name for each in tmp_path.iterdir() if each.name != "b"] == ["b.tar"]
    with open_bundle(tmp_path / "b.tar") as files:
        assert list(defects(files, packed, lambda _: None)) == []
        again = import_bundle(sites.away, files, packed, ImportWatcher())
    assert {one.outcome for one in again.report.entries} == {PRESENT}


def test_a_disk_without_room_is_said_before_anything_is_written(
    sites: Sites, tmp_path: Path
) -> None:
    order = BundleOrder(selection={"names": WEIGHTS}, target=tmp_path / "b", licence_texts={})
    plan = wire.PlanBundleResponse(total_bytes=2**60)

    with pytest.raises(NoRoom) as caught:
        export_bundle(sites.home, order, plan, Watcher())

    assert f"{2**60:,}" in str(caught.value) and str(tmp_path) in str(caught.value)
    assert not (tmp_path / "b").exists()


def test_files_that_are_no_bundles_are_left_alone(sites: Sites, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("...")

    with pytest.raises(BundleUnusable) as caught:
        sites.export(tmp_path, WEIGHTS[0])

    assert "thesis.tex" in str(caught.value)


def found_wrong(folder: Path) -> list[Defect]:
    """Return what `vertebra mirror verify` finds."""
    files = FolderFiles(folder)
    return list(defects(files, manifest_of(files), lambda _: None))
