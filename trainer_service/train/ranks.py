"""Several processes that train one model together, each on its part of every batch.

Every rank holds the whole model and does the same steps in the same order. What one learned from
its images is added up once a step, when all its parts went backward, so every rank moves its
parameters by the gradient of the whole batch. The first rank decides whatever depends on time, on
people or on disks, and the others do the same; it alone speaks, saves and exports.

There is no DistributedDataParallel here. It adds up gradients while the backward pass runs, and a
rank that runs out of memory in the middle of one leaves all others waiting for ever; here every
rank says first how it went. It has to be wrapped around the model anew for every phase, and the
networks behind kept features are no plain modules. And sums are made in one fixed order, so that
what is resumed is what was not interrupted. The price: nothing is sent while the device computes.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from trainer_service.datasets.part import WHOLE, Part
from trainer_service.datasets.split import draws
from trainer_service.tasks.task import Counted, PassMetrics
from trainer_service.train.exchange import Alone, Exchange
from trainer_service.train.pass_of_all import PassOfAll

BUCKET_ELEMENTS = 2**24
"""Gradients that are added up together: 64 MiB in 32 bits, a small part of the memory that
activations took. Fewer, larger sums cost less waiting."""


CPU = torch.device("cpu")
Word = TypeVar("Word", bound=str)
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one rank has of a batch."""

    weight: float
    """Of its loss and gradient: all ranks' together are 1, or 0 where nothing counts."""
    num_images: int
    """Of the whole batch."""


class Ranks:
    """All ranks, seen from one of them."""

    def __init__(self, part: Part, exchange: Exchange, device: torch.device = CPU) -> None:
        self.part = part
        """Of everything that is shared out."""
        self._exchange = exchange
        self.device = device
        """Its own."""

    @property
    def is_first(self) -> bool:
        """Whether this rank decides, speaks and saves."""
        return self.part.rank == 0

    @property
    def is_alone(self) -> bool:
        """Whether there is no other."""
        return self.part.num_ranks == 1

    # What all do alike

    def agreed(self, word: Word) -> Word:
        """Return the first rank's word."""
        if self.is_alone:
            return word
        return cast(Word, self._exchange.of_first(word.encode()).decode())

    def said(self, text: str) -> Sequence[str]:
        """Return what every rank says, in their order, to the first one; nothing to the others."""
        return [each.decode() for each in self._exchange.collect(text.encode())]

    def totals(self, *numbers: float) -> tuple[float, ...]:
        """Return the sum of each number over all ranks."""
        if self.is_alone:
            return numbers
        sums = torch.tensor(numbers, dtype=torch.float64)
        self._exchange.add_up(sums)
        return tuple(sums.tolist())

    def own_seed(self, seed: int) -> int:
        """Return the seed of what falls otherwise on every rank, such as dropout."""
        return int(draws([seed], self.part.rank)[0]) if self.part.rank else seed

    @torch.no_grad()
    def share_state(self, *roots: nn.Module) -> None:
        """Let all have the first rank's parameters and buffers."""
        if self.is_alone:
            return
        for root in roots:
            for tensor in (*root.parameters(), *root.buffers()):
                row = tensor.detach().reshape(-1).clone()  # in one order, however it lies
                self._exchange.copy_first(row)
                tensor.copy_(row.view(tensor.shape))

    # A step

    def share(
        self, num_images: int, weight: Callable[[], float], *, has_failed: bool
    ) -> Share | None:
        """Return what this rank's images weigh of the batch; None where any rank failed, and all
        have to try again.

        Args:
            weight: of this rank's images, as `Task.weight` has it. Asking may wait for the device.
        """
        if self.is_alone:
            return None if has_failed else Share(weight=1.0, num_images=num_images)
        own = 0.0 if has_failed else weight()
        num_failed, whole, num_all = self.totals(has_failed, own, num_images)
        if num_failed:
            return None
        return Share(weight=own / whole if whole else 0.0, num_images=int(num_all))

    @torch.no_grad()
    def add_up_gradients(
        self, parameters: Iterable[nn.Parameter], loss: Tensor, share: float
    ) -> Tensor:
        """Leave the gradient of the whole batch in the parameters; return its loss.

        Args:
            parameters: in the same order everywhere. One that got no gradient from this rank's
                images may have got one from others.
            loss: of this rank's images, a scalar.
            share: what this rank's images weigh of the whole batch.
        """
        if self.is_alone:
            return loss
        whole = loss.detach().float().reshape(1) * share
        self._exchange.add_up(whole)
        for bucket in _buckets(parameters):
            row = torch.cat([_gradient(each) for each in bucket]).mul_(share)
            self._exchange.add_up(row)
            for parameter, piece in zip(bucket, _cut(row, bucket), strict=True):
                _put_gradient(parameter, piece)
        return whole[0]

    @torch.no_grad()
    def gathered(self, rows: Tensor) -> tuple[Tensor, slice]:
        """Return the rows of all ranks, [N, ...], in their order and without a graph; and where
        this rank's are.
        """
        if self.is_alone:
            return rows.detach(), slice(0, len(rows))
        ranks = range(self.part.num_ranks)
        counts = [
            int(each)
            for each in self.totals(*(len(rows) * (self.part.rank == rank) for rank in ranks))
        ]
        start = sum(counts[: self.part.rank])
        own = slice(start, start + len(rows))
        whole = rows.new_zeros((sum(counts), *rows.shape[1:]))
        whole[own] = rows
        self._exchange.add_up(whole)
        return whole, own

    # A pass

    @torch.no_grad()
    def mean_statistics(self, *roots: nn.Module) -> None:
        """Let the running statistics of norms that train be the mean of all ranks'. They are sums
        that fade, so it does not matter when that is done, nor how often.
        """
        if self.is_alone:
            return
        held = [each for root in roots for each in _moving_statistics(root)]
        if not held:
            return
        row = torch.cat([each.reshape(-1) for each in held])
        self._exchange.add_up(row)
        row /= self.part.num_ranks
        for tensor, piece in zip(held, _cut(row, held), strict=True):
            tensor.copy_(piece.view(tensor.shape))

    def counted(self, metrics: PassMetrics, fresh: PassMetrics) -> Counted:
        """Return to the first rank what all counted so far; each goes on with its own.

        Args:
            fresh: metrics that have counted nothing.
        """
        if self.is_alone:
            return metrics.state()
        for state in self._states(metrics):
            fresh.add(state)
        return fresh.state() if self.is_first else {}

    def merged(self, metrics: PassMetrics, fresh: PassMetrics) -> PassMetrics:
        """Return what all counted in a pass that is over, with the same values everywhere. Only
        the first rank can tell them class by class.

        Args:
            fresh: metrics that have counted nothing.
        """
        if self.is_alone:
            return metrics
        for state in self._states(metrics):
            fresh.add(state)
        values = fresh.values() if self.is_first else {}
        told: Mapping[str, float] = json.loads(self.agreed(json.dumps(dict(values))))
        return PassOfAll(told, fresh if self.is_first else None)

    def _states(self, metrics: PassMetrics) -> Iterator[Counted]:
        """Yield what each rank counted, to the first one."""
        state = metrics.state().items()
        own = {name: each.detach().cpu().contiguous().clone() for name, each in state}
        for said in self._exchange.collect(save(own)):
            yield {name: each.to(self.device) for name, each in load(said).items()}

    def in_turn(self, make: Callable[[], Made]) -> Made:
        """Return what every rank makes; the others begin when the first one is done."""
        if not self.is_first:
            self.wait()
        made = make()
        if self.is_first:
            self.wait()
        return made

    def wait(self) -> None:
        """Return when all are here."""
        self.totals(0.0)

    def leave(self) -> None:
        """Return when all are here, for the last time: each goes on by itself."""
        self._exchange.leave()


ALONE = Ranks(WHOLE, Alone())


def _buckets(parameters: Iterable[nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """Yield the parameters in lists of limited size and one dtype."""
    bucket: list[nn.Parameter] = []
    for parameter in parameters:
        size = sum(each.numel() for each in bucket) + parameter.numel()
        if bucket and (size > BUCKET_ELEMENTS or parameter.dtype != bucket[0].dtype):
            yield bucket
            bucket = []
        bucket.append(parameter)
    if bucket:
        yield bucket


def _cut(row: Tensor, likes: Sequence[Tensor]) -> Sequence[Tensor]:
    """Return the pieces of a row, as long as these tensors."""
    pieces: Sequence[Tensor] = torch.split_with_sizes(row, [each.numel() for each in likes])
    return pieces


def _gradient(parameter: nn.Parameter) -> Tensor:
    """Return [number of elements], in logical order; zeros where there is none."""
    if parameter.grad is None:
        return parameter.new_zeros(parameter.numel())
    return parameter.grad.reshape(-1)


def _put_gradient(parameter: nn.Parameter, row: Tensor) -> None:
    if parameter.grad is None:
        parameter.grad = torch.empty_like(parameter)
    parameter.grad.copy_(row.view(parameter.shape))


def _moving_statistics(root: nn.Module) -> Iterator[Tensor]:
    for module in root.modules():
        if isinstance(module, _NormBase) and module.training and module.running_mean is not None:
            assert module.running_var is not None
            yield from (module.running_mean, module.running_var)
