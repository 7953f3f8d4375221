"""What a trainer says of plans, data and results in every task: messages for the command line."""

from vertebra.model.v1 import contracts_pb2
from vertebra.trainer.v1 import evaluation_pb2 as evaluation
from vertebra.trainer.v1 import learning_pb2 as learning
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_job_pb2 as jobs

NAN = float("nan")


def gradual_plan() -> jobs.TrainPlan:
    """Return a segmentation plan of two phases, weighted, warmed up and cached."""
    head = [jobs.OptimizerGroup(name="head weights", lr=1e-3, num_parameters=5130)]
    slow = jobs.OptimizerGroup(name="layer4 weights", lr=1e-4, num_parameters=8_393_728)
    first = jobs.FreezePlan(
        mode="gradual", num_trainable_parameters=5130, num_frozen_parameters=11_176_512
    )
    second = jobs.FreezePlan(
        mode="gradual",
        num_trainable_parameters=8_398_858,
        num_frozen_parameters=2_782_784,
        rows=[jobs.PlanRow(name="layer4", num_trainable_parameters=8_393_728)],
    )
    return jobs.TrainPlan(
        freeze=first,
        task="segmentation",
        output=contracts_pb2.OutputContract(class_names=["background", "cat"]),
        loss=learning.LossSpec(
            kind=learning.LossSpec.KIND_BCE_DICE,
            class_weights=learning.ClassWeights(
                rule=learning.ClassWeights.RULE_BALANCED, weights=[0.5, 4.25]
            ),
        ),
        main_metric="iou",
        main_metric_grows=True,
        validation_every_epochs=3,
        num_steps=45,
        num_steps_per_epoch=20,
        warmup_steps=5,
        micro_batch_size=8,
        optimizer_groups=head,
        optimizer=jobs.OptimizerSpec(algorithm=jobs.OptimizerSpec.ALGORITHM_SGD, lr=1e-3),
        phases=[
            jobs.PhasePlan(freeze=first, optimizer_groups=head),
            jobs.PhasePlan(after_epochs=1, freeze=second, optimizer_groups=[*head, slow]),
        ],
        feature_cache=jobs.FeatureCachePlan(is_used=True, boundary=["layer4"], num_views=2),
    )


def data_report() -> evaluation.DataReport:
    """Return a report with everything that can be wrong."""
    unusable = [
        evaluation.UnusableImage(path=f"/pets/cat/{number}.png", reason="truncated")
        for number in range(7)
    ]
    leak = evaluation.Leak(
        train_path="/pets/a.png", validation_path="/val/a.png", is_identical=True
    )
    return evaluation.DataReport(
        num_train_images=80,
        num_validation_images=20,
        classes=[
            evaluation.ClassCount(name="cat", num_train_images=60, num_validation_images=15),
            evaluation.ClassCount(name="dog", num_train_images=20, num_validation_images=5),
        ],
        unusable=unusable,
        num_unusable=2007,
        leaks=[leak],
        num_leaks=1,
        warnings=["'dog' has 20 images, 'cat' has 60"],
    )


def classes_evaluation(num_classes: int) -> evaluation.Evaluation:
    """Return classes that are taken for the next one now and then; the last is never there."""
    confusion = [0] * num_classes**2
    for row in range(num_classes - 1):
        confusion[row * num_classes + row] = 90 + row
        confusion[row * num_classes + row + 1] = row + 1
    classes = [
        evaluation.ClassEvaluation(
            name=f"class {row}",
            num_true=91 + 2 * row,
            metrics={"f1": 0.9, "recall": 0.8 + row / 1e3},
        )
        for row in range(num_classes - 1)
    ]
    missing = evaluation.ClassEvaluation(name="never", metrics={"f1": NAN, "recall": NAN})
    return evaluation.Evaluation(classes=[*classes, missing], confusion=confusion)


def phase_started() -> events.TrainEvent:
    """Return the second phase's beginning."""
    freeze = gradual_plan().phases[1].freeze
    return events.TrainEvent(
        phase_started=events.PhaseStarted(phase=2, reason="after 1 epoch", freeze=freeze)
    )


def data_checked() -> events.TrainEvent:
    """Return the event of the report."""
    return events.TrainEvent(data_checked=events.DataChecked(report=data_report()))
