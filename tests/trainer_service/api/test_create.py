"""Planning and creating: everything wrong is said at once, and one request makes one job."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf import json_format

from catalog_service.errors import Precondition, Violation, invalid
from trainer_service.errors import CatalogUnavailable
from vertebra.trainer.v1 import train_job_pb2
from vertebra.trainer.v1 import train_job_service_pb2 as pb

CODE = grpc.StatusCode


def plan(trainer, spec):
    return trainer.stub.PlanTrainJob(pb.PlanTrainJobRequest(spec=spec), timeout=60)


def test_a_created_job_is_queued_and_keeps_its_spec_as_it_was_sent(trainer):
    spec = trainer.spec()

    answer = trainer.create(spec)

    job = answer.job
    assert not answer.replayed
    assert job.name == f"trainJobs/{job.job_id}"
    assert job.state == train_job_pb2.JOB_STATE_QUEUED
    assert job.spec == spec
    assert (job.attempt, job.last_seq) == (1, 1)
    assert job.create_time.seconds > 0


def test_the_same_request_is_answered_the_same_and_makes_no_second_job(trainer):
    request_id = str(uuid.uuid4())
    first = trainer.create(request_id=request_id)

    again = trainer.create(request_id=request_id.upper())

    assert again.replayed
    assert again.job == first.job
    assert len(trainer.store.page_of_jobs().items) == 1


def test_a_default_spelled_out_is_the_same_request(trainer):
    request_id = str(uuid.uuid4())
    trainer.create(request_id=request_id)

    assert trainer.create(trainer.spec(batch_size=32), request_id=request_id).replayed


def test_a_replay_needs_neither_catalog_nor_data(trainer):
    spec = trainer.spec()
    folder = trainer.image_folder(cat=4, dog=4)
    spec.dataset.image_folder.path = str(folder)
    request_id = str(uuid.uuid4())
    trainer.create(spec, request_id=request_id)
    folder.rename(folder.with_name("elsewhere"))

    assert trainer.create(spec, request_id=request_id).replayed


def test_twenty_creations_at_once_make_one_job(trainer, counted):
    request_id = str(uuid.uuid4())

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: trainer.create(request_id=request_id), range(20)))

    assert len({answer.job.job_id for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert len(trainer.store.page_of_jobs().items) == 1
    counted(requests=len(answers), jobs=1)


def test_a_request_id_with_another_spec_is_refused(trainer, refused, counted):
    request_id = str(uuid.uuid4())
    trainer.create(request_id=request_id)

    failure = refused(lambda: trainer.create(trainer.spec(num_epochs=3), request_id=request_id))

    assert (failure.code, failure.reason) == (CODE.INVALID_ARGUMENT, "REQUEST_ID_REUSED")
    counted(changed_requests_refused=1)


@pytest.mark.parametrize("request_id", ["x", "1234", "9f3c0000-0000-0000-0000-00000000000g"])
def test_what_is_no_uuid_is_refused(trainer, refused, request_id):
    failure = refused(lambda: trainer.create(request_id=request_id))

    assert (failure.code, failure.reason) == (CODE.INVALID_ARGUMENT, "FIELD_INVALID")
    assert [one.field for one in failure.violations] == ["request_id"]


def test_every_problem_of_a_spec_is_in_one_answer(trainer, refused):
    spec = train_job_pb2.TrainJobSpec(num_epochs=0, batch_size=-1)
    spec.model.pretrained = False
    spec.model.weights = "ResNet18_Weights.DEFAULT"
    spec.model.freeze_backbone = True
    spec.freeze.last_blocks.num_blocks = 0
    spec.dataset.validation_ratio = 1.5
    spec.optimizer.lr = -1
    spec.optimizer.momentum = 0.5
    spec.export.register_as = "Not An Id"
    spec.export.note = "x" * 10_001
    expected = {
        "spec.model.backbone",
        "spec.model.weights",
        "spec.model.freeze_backbone",
        "spec.model.allow_frozen_random",
        "spec.freeze.last_blocks.num_blocks",
        "spec.dataset",
        "spec.dataset.validation_ratio",
        "spec.optimizer.lr",
        "spec.optimizer.momentum",
        "spec.export.register_as",
        "spec.export.note",
        "spec.num_epochs",
        "spec.batch_size",
    }

    planned = refused(lambda: plan(trainer, spec))
    created = refused(lambda: trainer.create(spec))

    assert {one.field for one in planned.violations} == expected
    assert {one.field for one in created.violations} == expected
    assert planned.code is created.code is CODE.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("shorthand", "mode"),
    [(True, "full"), (True, "last_blocks"), (True, "scratch"), (False, "frozen_backbone")],
)
def test_the_shorthand_against_the_mode_is_a_contradiction(trainer, refused, shorthand, mode):
    spec = trainer.spec()
    spec.model.freeze_backbone = shorthand
    getattr(spec.freeze, mode).SetInParent()

    fields = [one.field for one in refused(lambda: plan(trainer, spec)).violations]

    assert "spec.model.freeze_backbone" in fields


@pytest.mark.parametrize(
    ("change", "field"),
    [({"pretrained": True}, "pretrained"), ({"weights": "ResNet18_Weights.DEFAULT"}, "weights")],
)
def test_scratch_with_weights_is_a_contradiction(trainer, refused, change, field):
    spec = trainer.spec()
    spec.freeze.scratch.SetInParent()
    for name, value in change.items():
        setattr(spec.model, name, value)

    fields = [one.field for one in refused(lambda: plan(trainer, spec)).violations]

    assert fields == [f"spec.model.{field}"]


def test_scratch_means_random_numbers(trainer):
    spec = trainer.spec()
    spec.freeze.scratch.SetInParent()

    planned = plan(trainer, spec)

    assert planned.spec.model.pretrained is False
    assert planned.plan.freeze.mode == "scratch"


def test_a_frozen_random_backbone_must_be_asked_for_by_name(trainer, refused):
    spec = trainer.spec()
    spec.model.pretrained = False
    spec.model.freeze_backbone = True

    fields = [one.field for one in refused(lambda: plan(trainer, spec)).violations]
    spec.model.allow_frozen_random = True

    assert fields == ["spec.model.allow_frozen_random"]
    assert plan(trainer, spec).plan.freeze.mode == "frozen_backbone"


def test_a_plan_shows_every_default_and_stores_nothing(trainer):
    spec = trainer.spec()
    spec.model.freeze_backbone = True

    planned = plan(trainer, spec)

    assert planned.plan.freeze.mode == "frozen_backbone"
    assert planned.plan.freeze.trainable == ["fc.weight"]
    assert planned.plan.freeze.num_frozen_parameters == 28
    assert planned.spec.batch_size == 32
    assert planned.spec.dataset.validation_ratio == 0.2
    assert planned.spec.optimizer.algorithm == train_job_pb2.OptimizerSpec.ALGORITHM_ADAMW
    assert planned.spec.optimizer.lr == 1e-3
    assert planned.spec.optimizer.weight_decay == 0.01
    assert planned.spec.model.weights != ""
    assert trainer.store.page_of_jobs().items == ()


def test_a_plans_spec_is_accepted_and_plans_the_same(trainer):
    planned = plan(trainer, trainer.spec())

    again = plan(trainer, planned.spec)

    assert again == planned


@pytest.mark.parametrize("is_empty_task_given", [True, False])
def test_class_names_come_from_the_data_where_the_task_has_none(trainer, is_empty_task_given):
    spec = trainer.spec()
    spec.dataset.image_folder.path = str(trainer.image_folder(dog=6, cat=6))
    if is_empty_task_given:
        spec.model.classification.SetInParent()

    planned = plan(trainer, spec)

    assert list(planned.spec.model.classification.class_names) == ["cat", "dog"]
    assert list(planned.plan.output.class_names) == ["cat", "dog"]
    assert planned.plan.num_train_images + planned.plan.num_validation_images == 12


def test_a_head_is_kept_where_the_data_has_its_classes(trainer):
    """Its layers are the caller's, its classes the data's."""
    spec = trainer.spec()
    spec.dataset.image_folder.path = str(trainer.image_folder(dog=6, cat=6))
    spec.model.classification.hidden_units.extend([64])
    spec.model.classification.dropout = 0.5

    task = plan(trainer, spec).spec.model.classification

    assert list(task.class_names) == ["cat", "dog"]
    assert list(task.hidden_units) == [64]
    assert task.dropout == 0.5


@pytest.mark.parametrize(
    ("model", "field"),
    [
        ({"features": {"output": "pooled"}}, "features"),
        ({"in_channels": 4}, "in_channels"),
        ({"aux_heads": "keep"}, "aux_heads"),
    ],
)
def test_what_is_built_but_not_trained_is_refused(trainer, refused, model, field):
    """Before anything is built, and not by a crash of the worker."""
    spec = trainer.spec()
    json_format.ParseDict(model, spec.model)

    failure = refused(lambda: plan(trainer, spec))

    assert [one.field for one in failure.violations] == [f"spec.model.{field}"]
    assert failure.code is CODE.INVALID_ARGUMENT


def test_data_of_other_classes_is_refused(trainer, refused):
    spec = trainer.spec()
    spec.dataset.image_folder.path = str(trainer.image_folder(dog=6, cat=6))
    spec.model.classification.class_names.extend(["cat", "bird"])

    failure = refused(lambda: trainer.create(spec))

    assert (failure.code, failure.reason) == (CODE.FAILED_PRECONDITION, "DATA_INVALID")


def test_a_path_outside_the_roots_is_refused(trainer, refused):
    spec = trainer.spec()
    spec.dataset.image_folder.path = "/etc"

    failure = refused(lambda: trainer.create(spec))

    assert (failure.code, failure.reason) == (CODE.PERMISSION_DENIED, "PATH_OUTSIDE_ROOTS")


def test_an_unknown_architecture_passes_through_with_its_nearest_names(trainer, refused):
    spec = trainer.spec()
    spec.model.backbone = "resnet19"

    failure = refused(lambda: trainer.create(spec))

    assert (failure.code, failure.reason) == (CODE.NOT_FOUND, "ARCHITECTURE_NOT_FOUND")
    assert "closest are resnet18" in failure.message
    assert trainer.store.page_of_jobs().items == ()


def test_what_the_catalog_says_of_the_model_has_our_field_paths(trainer, refused, monkeypatch):
    async def describe(_spec):
        raise invalid([Violation(field="spec.image_height_px", description="too small")])

    monkeypatch.setattr(trainer.catalog, "describe", describe)

    failure = refused(lambda: plan(trainer, trainer.spec()))

    assert [one.field for one in failure.violations] == ["spec.model.image_height_px"]
    assert failure.message == "spec.model.image_height_px: too small"


def test_no_bytes_anywhere_refuses_the_creation_with_the_trail(trainer, refused):
    trainer.catalog.bytes_failure = Precondition(
        "no bytes for X: store: absent", reason="WEIGHTS_UNAVAILABLE"
    )

    failure = refused(lambda: trainer.create())

    assert failure.code is CODE.FAILED_PRECONDITION
    assert failure.reason == "WEIGHTS_UNAVAILABLE"
    assert "store: absent" in failure.message
    assert trainer.store.page_of_jobs().items == ()


def test_a_silent_catalog_is_unavailable(trainer, refused):
    trainer.catalog.bytes_failure = CatalogUnavailable("the catalog does not answer")

    failure = refused(lambda: trainer.create())

    assert (failure.code, failure.reason) == (CODE.UNAVAILABLE, "CATALOG_UNAVAILABLE")


def test_a_backbone_that_lacks_modules_can_be_registered(trainer):
    spec = trainer.spec()
    spec.model.remove_modules.append("layer2")
    spec.export.register_as = "short"

    assert plan(trainer, spec).plan.num_train_images


def test_a_backbone_that_cannot_be_registered_is_refused_before_it_trains(trainer, refused):
    trainer.catalog.alone_failure = invalid([Violation(field="spec", description="no such one")])
    spec = trainer.spec()
    plan(trainer, spec)
    spec.export.register_as = "short"

    failure = refused(lambda: plan(trainer, spec))

    assert [one.field for one in failure.violations] == ["spec.export.register_as"]
    assert "no such one" in failure.violations[0].description
