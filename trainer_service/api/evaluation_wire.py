"""Evaluations and data reports: value -> message."""

from trainer_service.jobs import ClassEvaluation, DataReport, Evaluation
from vertebra.trainer.v1 import evaluation_pb2 as pb


def evaluation_message(evaluation: Evaluation) -> pb.Evaluation:
    """Return a model on the validation images, class by class."""
    return pb.Evaluation(
        metrics=evaluation.metrics,
        classes=[_class_message(each) for each in evaluation.classes],
        confusion=evaluation.confusion,
        num_images=evaluation.num_images,
    )


def _class_message(each: ClassEvaluation) -> pb.ClassEvaluation:
    return pb.ClassEvaluation(name=each.name, metrics=each.metrics, num_true=each.num_true)


def report_message(report: DataReport) -> pb.DataReport:
    """Return what a look at every image gave."""
    return pb.DataReport(
        num_train_images=report.num_train_images,
        num_validation_images=report.num_validation_images,
        classes=[
            pb.ClassCount(
                name=each.name,
                num_train_images=each.num_train_images,
                num_validation_images=each.num_validation_images,
            )
            for each in report.classes
        ],
        unusable=[pb.UnusableImage(path=each.path, reason=each.reason) for each in report.unusable],
        num_unusable=report.num_unusable,
        leaks=[
            pb.Leak(
                train_path=each.train_path,
                validation_path=each.validation_path,
                is_identical=each.is_identical,
            )
            for each in report.leaks
        ],
        num_leaks=report.num_leaks,
        mean=report.mean,
        std=report.std,
        fingerprint=report.fingerprint,
        warnings=report.warnings,
    )
