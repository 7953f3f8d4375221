"""Where an exported backbone comes from, in words that say nothing of this host."""

from dataclasses import replace

import pytest

from catalog_service.models.lineage import Lineage
from tests.fakes.job_values import job_model, job_spec, train_plan
from trainer_service.jobs import DatasetSpec, SimClrSpec
from trainer_service.jobs.learning_spec import AugmentationStep, OptimizerSpec
from trainer_service.jobs.lineage import export_lineage
from trainer_service.jobs.spec import JobSpec


def lineage_of(spec: JobSpec, *, epoch: int = 0, licence: str = "BSD-3") -> Lineage:
    model = replace(job_model(), lineage=Lineage(parent="checkpoints/letters", licence=licence))
    return export_lineage("job1", spec, model, plan=train_plan(), epoch=epoch, source_digest="d")


def test_the_parent_and_its_licence_go_along() -> None:
    lineage = lineage_of(job_spec())

    assert (lineage.parent, lineage.licence) == ("checkpoints/letters", "BSD-3")
    assert lineage.train_job == "trainJobs/job1"


def test_a_parent_of_random_numbers_has_an_unknown_licence() -> None:
    assert lineage_of(job_spec(), licence="").licence == "unknown"


def test_the_epochs_are_those_of_the_exported_numbers() -> None:
    """With early stopping the planned ones were never trained."""
    assert lineage_of(job_spec(), epoch=1).num_epochs == 1
    assert lineage_of(job_spec()).num_epochs == 2


def test_the_method_is_what_was_learned() -> None:
    assert lineage_of(job_spec()).method == "supervised"
    assert lineage_of(replace(job_spec(), simclr=SimClrSpec())).method == "simclr"


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        (DatasetSpec(kind="image_folder", path="/home/anna/pets"), "pets"),
        (DatasetSpec(kind="csv", path="s3://bucket/labels.csv?sig=secret"), "labels.csv"),
        (DatasetSpec(kind="image_folder", path="/data/what?"), "what?"),
        (DatasetSpec(kind="torchvision", name="CIFAR10", path="/data"), "CIFAR10"),
        (DatasetSpec(kind="drawn_scenes"), "drawn scenes"),
        (DatasetSpec(kind="bundled_digits"), "bundled digits"),
    ],
)
def test_the_data_has_a_name_and_no_place(dataset: DatasetSpec, words: str) -> None:
    """A query may be a key, and folders above the data are nobody's business."""
    assert lineage_of(replace(job_spec(), dataset=dataset)).dataset == words


def test_how_it_was_trained_goes_along() -> None:
    """Whoever starts from the backbone can do it again."""
    spec = replace(
        job_spec(),
        optimizer=OptimizerSpec(algorithm="lars", lr=0.3, lr_rule="per_256_images"),
        augmentation=(
            AugmentationStep(kind="horizontal_flip"),
            AugmentationStep(kind="random_resized_crop", scale=(0.2, 1.0)),
        ),
        batch_size=24,
    )

    lineage = lineage_of(spec)

    assert (lineage.optimizer, lineage.learning_rate, lineage.lr_rule) == ("lars", 0.3, "linear")
    assert lineage.augmentations == ("horizontal_flip", "random_resized_crop scale 0.2-1")
    assert (lineage.batch_size, lineage.loss) == (24, train_plan().loss.kind)
