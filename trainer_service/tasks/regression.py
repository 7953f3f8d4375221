"""Numbers per image: learned as standardised targets, judged in the data's own units."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss, mse_loss, smooth_l1_loss

from catalog_service.models.contracts import OutputContract
from trainer_service.datasets.batch import Batch
from trainer_service.jobs import ClassEvaluation, Evaluation, TrainPlan
from trainer_service.tasks.classification import labels_of
from trainer_service.tasks.task import Counted, Learned, MeanLoss, joined, part, under

VALUE_LOSSES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": mse_loss,
    "l1": l1_loss,
    "smooth_l1": smooth_l1_loss,
}
"""By the loss's kind: of standardised values [B, K], the mean over all of them."""


class Units:
    """The way between the data's units and the model's: value = output * std + mean."""

    def __init__(self, output: OutputContract, device: torch.device) -> None:
        mean, std = output.target_mean or (0.0,), output.target_std or (1.0,)
        self._mean = torch.tensor(mean, dtype=torch.float32, device=device)
        self._std = torch.tensor(std, dtype=torch.float32, device=device)

    def standardised(self, values: Tensor) -> Tensor:
        """Return what the model is to put out for values in the data's units, [B, K]."""
        return (values - self._mean) / self._std

    def values(self, outputs: Tensor) -> Tensor:
        """Return the model's outputs in the data's units, [B, K]."""
        return outputs * self._std + self._mean


def mean_absolute_errors(values: Tensor, truth: Tensor) -> Tensor:
    """Return the mean absolute error of each target, [K]."""
    return (values - truth).abs().mean(0)


def determinations(values: Tensor, truth: Tensor) -> Tensor:
    """Return R2 of each target, [K]: 1 - squared errors / squared deviations from the truth's own
    mean; NaN where the truth does not vary.
    """
    deviations = (truth - truth.mean(0)).square().sum(0)
    ratio = (values - truth).square().sum(0) / deviations
    return torch.where(deviations > 0, 1 - ratio, torch.nan)


class RegressionMetrics:
    """Over all images of a pass. Every value is kept: sums of squares of large numbers lose what
    makes them differ, so R2 is computed at the end, in 64 bits.
    """

    def __init__(self, plan: TrainPlan, units: Units, device: torch.device) -> None:
        self._names = plan.output.target_names or plan.output.class_names
        self._units = units
        self._loss = MeanLoss(device)
        self._values: list[Tensor] = []
        self._truth: list[Tensor] = []

    def update(self, learned: Learned, batch: Batch) -> None:
        """Count one batch."""
        self._loss.update(learned.loss, batch.num_images)
        self._values.append(self._units.values(learned.outputs.detach()))
        self._truth.append(labels_of(batch))

    def values(self) -> Mapping[str, float]:
        """Return `loss`, of standardised targets, and the means over targets of `mae`, in the
        data's units, and `r2`.
        """
        values, truth = self._all()
        return {
            "loss": self._loss.value(),
            "mae": float(mean_absolute_errors(values, truth).mean()),
            "r2": float(determinations(values, truth).nanmean()),
        }

    def evaluation(self) -> Evaluation:
        """Return the same with `mae` and `r2` of each target."""
        values, truth = self._all()
        errors = mean_absolute_errors(values, truth).tolist()
        shares = determinations(values, truth).tolist()
        return Evaluation(
            metrics=self.values(),
            classes=tuple(
                ClassEvaluation(
                    name=self._names[number] if self._names else "",
                    metrics={"mae": mae, "r2": r2},
                    num_true=len(truth),
                )
                for number, (mae, r2) in enumerate(zip(errors, shares, strict=True))
            ),
            num_images=len(truth),
        )

    def state(self) -> Counted:
        """Return what was counted."""
        rows = joined({"values": self._values, "truth": self._truth})
        return {**under("loss", self._loss.state()), **rows}

    def add(self, counted: Counted) -> None:
        """Count what another pass counted."""
        self._loss.add(part(counted, "loss"))
        if "values" in counted:
            self._values.append(counted["values"])
            self._truth.append(counted["truth"])

    def _all(self) -> tuple[Tensor, Tensor]:
        """Return values and truth, [N, K] float64; some devices have no float64."""
        return torch.cat(self._values).cpu().double(), torch.cat(self._truth).cpu().double()


class Regression:
    """One number or more per image."""

    def __init__(self, plan: TrainPlan, device: torch.device) -> None:
        self._plan = plan
        self._device = device
        self._units = Units(plan.output, device)

    def learn(self, network: nn.Module, batch: Batch) -> Learned:
        """Return the loss of outputs [B, K] and standardised targets, and the outputs."""
        outputs = network(batch.images).float()
        truth = self._units.standardised(labels_of(batch))
        return Learned(loss=VALUE_LOSSES[self._plan.loss.kind](outputs, truth), outputs=outputs)

    def judge(self, network: nn.Module, batch: Batch) -> Learned:
        """Return the same."""
        return self.learn(network, batch)

    def weight(self, batch: Batch) -> float:
        """Return the number of images."""
        return float(batch.num_images)

    def batch_metrics(self, learned: Learned, batch: Batch) -> Mapping[str, float]:
        """Return `mae`, in the data's units."""
        values = self._units.values(learned.outputs)
        return {"mae": float(mean_absolute_errors(values, labels_of(batch)).mean())}

    def pass_metrics(self) -> RegressionMetrics:
        """Return metrics that have counted nothing yet."""
        return RegressionMetrics(self._plan, self._units, self._device)
