"""What a plan tells of its spec, beside what trains."""

from tests.clients.python.cli.test_job_views import cells, shown
from vertebra.cli.plan_words import plan_view
from vertebra.trainer.v1 import learning_pb2 as learning
from vertebra.trainer.v1 import train_job_pb2 as jobs


def test_a_plan_says_what_of_its_spec_is_not_the_usual() -> None:
    """Who asked for a cosine wants to see that it was understood."""
    plan = jobs.TrainPlan(
        num_steps=540, num_steps_per_epoch=45, micro_batch_size=8, main_metric="accuracy"
    )
    spec = jobs.TrainJobSpec(
        batch_size=32,
        precision=learning.PRECISION_BF16,
        augmentation_steps=[
            learning.AugmentationStep(random_resized_crop=learning.RandomResizedCrop()),
            learning.AugmentationStep(color_jitter=learning.ColorJitter(hue=0.1)),
        ],
        schedule=learning.ScheduleSpec(kind=learning.ScheduleSpec.KIND_COSINE, final_lr_ratio=0.1),
        early_stopping=learning.EarlyStopping(patience_epochs=3),
    )

    lines = [" ".join(line) for line in cells(shown(plan_view(plan, spec)))]

    assert "augmentation random resized crop, color jitter" in lines
    assert "stops early after 3 epochs without better accuracy" in lines
    assert "steps 540, 45 an epoch, 32 images each, 8 images at a time" in lines
    assert "schedule cosine to 0.1 of the learning rate" in lines
    assert "precision bf16" in lines


def test_a_plan_does_not_say_what_goes_without_saying() -> None:
    spec = jobs.TrainJobSpec(
        batch_size=32,
        precision=learning.PRECISION_FP32,
        augmentation=jobs.AUGMENTATION_NONE,
        schedule=learning.ScheduleSpec(kind=learning.ScheduleSpec.KIND_CONSTANT),
    )
    plan = jobs.TrainPlan(num_steps=9, num_steps_per_epoch=3, micro_batch_size=32)

    assert shown(plan_view(plan, spec)) == shown(plan_view(plan))
