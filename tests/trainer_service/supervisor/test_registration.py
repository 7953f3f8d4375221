"""A backbone is registered once, with where it comes from; a refusal keeps the export."""

import math
from dataclasses import replace

from catalog_service.blobs.blob_pins import pins_of
from catalog_service.errors import Conflict
from trainer_service.errors import CatalogUnavailable
from trainer_service.jobs import JobState
from trainer_service.supervisor.exporting import new_checkpoint


def test_a_backbone_is_registered_with_its_lineage(bench):
    job_id = bench.create(register_as="letters")

    job = bench.run(job_id)

    (checkpoint,) = bench.catalog.registered.values()
    (export,) = bench.store.exports(job_id)
    assert job.state is JobState.SUCCEEDED
    assert export.checkpoint == "checkpoints/letters"
    assert checkpoint.digest == export.files[0].digest
    assert checkpoint.architecture_id == "resnet18"
    assert checkpoint.metrics == {"validation/accuracy": 0.75}
    assert checkpoint.mean == (0.5, 0.5, 0.5)
    assert checkpoint.std == (0.25, 0.25, 0.25)
    lineage = checkpoint.lineage
    assert lineage.parent == "torchvision/ResNet18_Weights.IMAGENET1K_V1"
    assert lineage.parent_backbone_digest == job.model.backbone_digest
    assert lineage.source_digest == export.files[0].digest
    assert lineage.licence == "BSD-3"
    assert lineage.method == "supervised"
    assert lineage.dataset == "pets"
    assert (lineage.num_images, lineage.num_epochs) == (64, 2)
    assert lineage.train_job == f"trainJobs/{job_id}"
    assert lineage.note == "for a test"


def test_registering_is_asked_again_under_the_same_request_id(bench):
    bench.catalog.registration_failures = [CatalogUnavailable("gone")] * 2

    job = bench.run(bench.create(register_as="letters"))

    assert job.state is JobState.SUCCEEDED
    assert bench.catalog.num_registrations == 3
    assert len(bench.catalog.registered) == 1


def test_a_refused_registration_fails_the_job_and_keeps_the_export(bench):
    refusal = Conflict("checkpoints/letters holds other bytes", reason="CHECKPOINT_EXISTS")
    bench.catalog.registration_failures = [refusal]
    job_id = bench.create(register_as="letters")

    job = bench.run(job_id)

    assert job.state is JobState.FAILED
    assert job.failure.reason == "REGISTRATION_FAILED"
    assert "holds other bytes" in job.failure.message
    (export,) = bench.store.exports(job_id)
    assert export.checkpoint == ""
    assert all(bench.rooms.blobs.find(file.digest) for file in export.files)


def test_what_a_job_exported_is_never_evicted_from_a_store_that_the_catalog_shares(bench):
    """The catalog knows no jobs: to it, an export is an upload that nothing was made of."""
    job_id = bench.create()

    bench.run(job_id)

    (export,) = bench.store.exports(job_id)
    pinned = pins_of(bench.rooms.blobs.root).all()
    assert export.files
    assert all(pinned[file.digest] == (f"trainJobs/{job_id}",) for file in export.files)


def test_the_same_backbone_of_the_same_job_is_always_the_same_request(bench):
    """A supervisor that was killed while it registered asks again as if it had never stopped."""
    first_id, second_id = bench.create(register_as="letters"), bench.create(register_as="letters")
    jobs = [bench.run(job_id) for job_id in (first_id, second_id)]
    (export,) = bench.store.exports(first_id)

    first, again, other = (new_checkpoint(job, export) for job in (jobs[0], jobs[0], jobs[1]))

    assert first.request_id == again.request_id
    assert first.request_id != other.request_id
    assert first.request_id in bench.catalog.registered


def test_a_backbone_is_registered_with_the_structure_that_it_has(bench):
    """A later model starts from it without being told."""
    structure = {"arguments": {"depth": 2}, "remove_modules": ("layer2.1", "fc.drop")}
    job = bench.run(bench.create(register_as="letters"))
    (export,) = bench.store.exports(job.job_id)
    other = replace(job.model, spec=replace(job.model.spec, **structure))

    plain, changed = (
        new_checkpoint(replace(job, model=model), export) for model in (job.model, other)
    )

    assert plain.structure.is_published
    assert changed.structure.arguments == {"depth": 2}
    assert changed.structure.remove_modules == ("layer2.1",), "the head is no part of it"


def test_metrics_that_no_checkpoint_can_have_are_left_out(bench):
    """R2 of constant targets is NaN, and the catalog would refuse the whole registration."""
    job = bench.run(bench.create(register_as="letters"))
    (export,) = bench.store.exports(job.job_id)
    many = {f"metric{number}": 1.0 for number in range(200)}

    checkpoint = new_checkpoint(job, replace(export, metrics={"r2": math.nan, **many}))

    assert "r2" not in checkpoint.metrics
    assert len(checkpoint.metrics) == 100
