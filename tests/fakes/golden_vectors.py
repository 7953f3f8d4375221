"""What a model computes, tensor by tensor, and a digest of it: for comparing whole builds.

A case is one architecture of a family with the smallest image that tells something. Numbers are
synthetic and lively: nothing is zero or one only because a library starts it so.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor, nn

SEED = 5
NUM_DETECTIONS = 4
"""Enough that the heads behind the boxes run."""

DRAWS_BOXES = ("bbox", "box_predictor", "cls_logits", "regression_head", "classification_head")
"""Layers of detectors that stay as weak as they start: else boxes are thrown away as empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One architecture, its smallest image, and a new head for it."""

    architecture_id: str
    input_shape: tuple[int, ...]
    """Of one tensor of the input, without the batch: [3, H, W], or [3, T, H, W]."""

    style: str = "batch"
    """`batch`: [1, ...]; `list`: as detectors take images; `pair`: two batches, as flow does."""

    resizes_to_px: int = 0
    """What a detector is told to resize images to; 0: it is not told."""

    new_task: str = "classification"
    """Which new head is tried; empty: the catalog has none for it."""

    head: str = ""
    """The module whose inputs are the features that a new head gets, or a field of the output."""

    new_head: str = ""
    """The module in the model with the new head, where it lies elsewhere."""

    naive_arguments: Mapping[str, Any] | None = None
    """Of the builder without weights, whose outputs are then others, without any error, although
    it is given the same numbers; None: it is not tried.
    """

    @property
    def spec(self) -> dict[str, Any]:
        """Return the published model, as `CatalogClient.build` takes it."""
        side = self.resizes_to_px
        return {
            "backbone": self.architecture_id,
            **({"image_height_px": side, "image_width_px": side} if side else {}),
        }

    @property
    def new_spec(self) -> dict[str, Any]:
        """Return the same with a new head."""
        number = "num_keypoints" if self.new_task == "keypoints" else "num_classes"
        return {**self.spec, self.new_task: {number: 3}}

    @property
    def size_arguments(self) -> dict[str, int]:
        """Return how torchvision's builder is told the same size."""
        side = self.resizes_to_px
        return {"min_size": side, "max_size": side} if side else {}


def inputs_of(case: Case) -> tuple[Any, ...]:
    """Return the arguments of a forward."""
    generator = Generator().manual_seed(SEED)
    first, second = (torch.rand(case.input_shape, generator=generator) for _ in range(2))
    styles: Mapping[str, tuple[Any, ...]] = {
        "batch": (first[None],),
        "list": ([first],),
        "pair": (first[None], second[None]),
    }
    return styles[case.style]


def lively(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state in which statistics, scales and biases look as if they had been trained.

    A fresh model has variances of 1, biases and some heads of 0, scales of 1e-6, and layers so weak
    that the image hardly matters: losing something would change nothing that can be seen. Kernels
    and matrices get the size that keeps a signal's variance (LeCun et al. 1998, section 4.6).
    """
    generator = Generator().manual_seed(SEED)
    return {name: _lively(name, tensor, generator) for name, tensor in state.items()}


def _lively(name: str, tensor: Tensor, generator: Generator) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    if name.endswith("running_var"):
        return 0.5 + torch.rand(tensor.shape, generator=generator)
    is_vector = tensor.numel() == max(tensor.shape, default=1)
    if is_vector:
        return tensor + 0.1 * torch.randn(tensor.shape, generator=generator)
    if any(word in name for word in DRAWS_BOXES):
        return tensor
    scale = (tensor.shape[0] / tensor.numel()) ** 0.5
    return scale * torch.randn(tensor.shape, generator=generator)


def observed(model: nn.Module, case: Case, *, depth: int = 2) -> dict[str, Tensor]:
    """Return every tensor that the model and its modules of the first levels put out.

    Detectors keep their best boxes whatever the score, so that no head is left out.
    """
    found: dict[str, Tensor] = {}

    def record(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            _collect(found, name, output)

        return hook

    near = [(n, m) for n, m in model.named_modules() if n.count(".") < depth]
    handles = [module.register_forward_hook(record(name)) for name, module in near]
    _forward(model, case)
    for handle in handles:
        handle.remove()
    return found


def features(model: nn.Module, case: Case, path: str) -> dict[str, Tensor]:
    """Return the inputs of the module at `path`, or of the layers in it where it is a list; of a
    path that is no module, that field of the output.
    """
    found: dict[str, Tensor] = {}
    if path not in dict(model.named_modules()):
        _collect(found, "features", _forward(model, case)[path])
        return found

    def hook(module: nn.Module, inputs: Any) -> None:
        _collect(found, "features", inputs)

    module = model.get_submodule(path)
    called = list(module.children()) if isinstance(module, nn.ModuleList) else [module]
    handles = [one.register_forward_pre_hook(hook) for one in called]
    _forward(model, case)
    for handle in handles:
        handle.remove()
    return found


def _forward(model: nn.Module, case: Case) -> Any:
    model.eval()
    with torch.no_grad(), _every_box(model):
        return model(*inputs_of(case))


@contextmanager
def _every_box(model: nn.Module) -> Iterator[None]:
    wanted = {"score_thresh": 0.0, "detections_per_img": NUM_DETECTIONS}
    changes = [(m, n, v) for m in model.modules() for n, v in wanted.items() if hasattr(m, n)]
    before = [(module, name, getattr(module, name)) for module, name, _ in changes]
    for module, name, value in changes:
        setattr(module, name, value)
    yield
    for module, name, value in before:
        setattr(module, name, value)


def _collect(found: dict[str, Tensor], name: str, value: Any) -> None:
    """Add the tensors in `value`, copied: a later layer may write into them."""
    if isinstance(value, Tensor):
        found[f"{len(found)} {name}"] = value.detach().clone()
    elif isinstance(value, Mapping):
        for key, each in value.items():
            _collect(found, f"{name}.{key}", each)
    elif isinstance(value, list | tuple):
        for each in value:
            _collect(found, name, each)
    elif hasattr(value, "tensors"):
        _collect(found, name, value.tensors)


def largest_difference(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> float:
    """Return the largest absolute difference; infinite where shapes or names differ."""
    if first.keys() != second.keys() or any(
        first[name].shape != second[name].shape for name in first
    ):
        return float("inf")
    gaps = [(first[n].double() - second[n].double()).abs() for n in first if first[n].numel()]
    return max((gap.max().item() for gap in gaps), default=0.0)


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """Return `sha256:...` over names, shapes and the very bits of the numbers."""
    digest = hashlib.sha256()
    for name, tensor in tensors.items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return f"sha256:{digest.hexdigest()}"
