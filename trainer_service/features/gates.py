"""What stands in a suffix for a module of the model: it answers with shapes alone until something
real arrives, and puts kept tensors where shapes would go into something that must be computed.

A tensor on meta here means: known, because it comes from the frozen part, and not computed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trainer_service.features.boundary import Entry, NothingToKeep
from trainer_service.features.recording import Call, Shape
from trainer_service.features.trees import TreeSpec, flat, rebuilt


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """A call of a module that was run, not only answered with shapes."""

    module: nn.Module
    path: str
    call: int
    leaves: list[Any]
    """What went in, as it came: kept tensors are still on meta."""
    spec: TreeSpec
    output: Any


class Feed:
    """The kept tensors of the batch that goes through the suffix now."""

    def __init__(self) -> None:
        self.run = 0
        """Which forward this is."""
        self.num_images = 0
        self._values: Mapping[Entry, Tensor] = {}
        self.taken: list[Entry] = []
        """In the order in which they were asked for."""
        self.computed: list[Computed] = []
        """In this forward, in order."""

    def start(self, num_images: int, values: Mapping[Entry, Tensor]) -> None:
        """Begin a forward with these."""
        self.run += 1
        self.num_images = num_images
        self._values = values
        self.taken = []
        self.computed = []

    def take(self, entry: Entry) -> Tensor:
        """Return what enters there.

        Raises:
            NothingToKeep: it is not known.
        """
        if entry not in self._values:
            raise NothingToKeep(f"it is not known what enters {entry.path!r}")
        self.taken.append(entry)
        return self._values[entry]


class Shapes:
    """What one call of a module gives, for any number of images."""

    def __init__(self, few: Any, more: Any, num_few: int, num_more: int) -> None:
        assert num_more == num_few + 1
        self._num_few = num_few
        self._spec = flat(few)[1]
        self._pairs = list(zip(flat(few)[0], flat(more)[0], strict=True))
        self._made: dict[int, Any] = {}

    def on_meta(self, num_images: int) -> Any:
        """Return tensors without numbers."""
        if num_images not in self._made:
            leaves = [self._leaf(few, more, num_images) for few, more in self._pairs]
            self._made[num_images] = rebuilt(leaves, self._spec)
        return self._made[num_images]

    def _leaf(self, few: Any, more: Any, num_images: int) -> Any:
        if not isinstance(few, Shape):
            return few
        sizes = [
            small + (num_images - self._num_few) * (large - small)
            for small, large in zip(few.sizes, more.sizes, strict=True)
        ]
        return torch.empty(sizes, dtype=few.dtype, device="meta")


class Gate(nn.Module):
    """Stands for one module; see above. What is asked of it besides, the module itself answers."""

    def __init__(
        self, module: nn.Module, path: str, feed: Feed, shapes: Mapping[Call, Shapes] | None
    ) -> None:
        """`shapes` is None for a living module: it always computes."""
        super().__init__()
        for name, value in (("_module", module), ("_path", path), ("_feed", feed)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_shapes", shapes)
        self._run = -1
        self._num_calls = 0

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the module gives, or its shape."""
        call = self._next_call()
        leaves, spec = flat((args, kwargs))
        tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
        if self._shapes is not None and all(tensor.is_meta for tensor in tensors):
            return self._known(call)
        if any(tensor.is_meta for tensor in tensors):
            real = [self._real(leaf, call, number) for number, leaf in enumerate(leaves)]
            args, kwargs = rebuilt(real, spec)
        output = self._module(*args, **kwargs)
        self._feed.computed.append(
            Computed(
                module=self._module,
                path=self._path,
                call=call,
                leaves=leaves,
                spec=spec,
                output=output,
            )
        )
        return output

    def _real(self, leaf: Any, call: int, number: int) -> Any:
        if isinstance(leaf, Tensor) and leaf.is_meta:
            return self._feed.take(Entry(self._path, call, number))
        return leaf

    def _known(self, call: int) -> Any:
        assert self._shapes is not None
        if (self._path, call) not in self._shapes:
            raise NothingToKeep(f"{self._path!r} is not always called")
        return self._shapes[self._path, call].on_meta(self._feed.num_images)

    def _next_call(self) -> int:
        if self._run != self._feed.run:
            self._run, self._num_calls = self._feed.run, 0
        self._num_calls += 1
        return self._num_calls - 1

    def __getattr__(self, name: str) -> Any:
        """Return the module's own."""
        return getattr(self.__dict__["_module"], name)

    def train(self, mode: bool = True) -> "Gate":
        """Put a living module into a mode; a frozen one stays where it is."""
        self.training = mode
        if self._shapes is None:
            self._module.train(mode)
        return self

    def named_modules(
        self,
        memo: set[nn.Module] | None = None,
        prefix: str = "",
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, nn.Module]]:
        """Yield a living module's own, so that its parameters have their names here, too."""
        if self._shapes is None:
            yield from self._module.named_modules(memo, prefix, remove_duplicate)
