"""The proof that what lies on the disk is the trained model, to the last bit."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from catalog_service.errors import listed
from catalog_service.models.assemble import assembled
from trainer_service.backbone_export.facts import ExportFacts
from trainer_service.backbone_export.probe import few
from trainer_service.backbone_export.state_files import (
    BACKBONE_CKPT,
    BACKBONE_SAFETENSORS,
    MODEL_SAFETENSORS,
    State,
    in_model_names,
    in_plain_memory,
)
from trainer_service.datasets.batch import Inputs
from trainer_service.errors import ExportNotEqual

Answer = Mapping[str, Sequence[Tensor]]
"""Tensors by what they are: `features` enter the head, `outputs` leave the model."""


def require_equal(folder: Path, model: nn.Module, facts: ExportFacts, probe: Inputs) -> None:
    """Raise ExportNotEqual unless each file gives the trained model's numbers, to the last bit.

    Every tensor of every file is compared. The probe, on the whole model's file, shows that this is
    all there is to the model; the others hold the same ones for the same structure, and
    a forward of a detector on one thread takes seconds.
    """
    layout = facts.order.model.layout
    head_modules, images = layout.head_modules, few(probe, layout.num_parameters)
    trained = model.state_dict()
    for name, read in _readers(folder, facts).items():
        fresh = assembled(facts.order.model.recipe, in_plain_memory(read())).eval()
        _require_same_tensors(name, fresh.state_dict(), trained)
        if name == MODEL_SAFETENSORS:
            with one_thread():
                expected = answer_of(model, head_modules, images)
                _require_same(name, answer_of(fresh, head_modules, images), expected)


def _readers(folder: Path, facts: ExportFacts) -> Mapping[str, Callable[[], State]]:
    """Return how each file becomes a whole state: the backbones with the whole model's head."""
    layout = facts.order.model.layout
    names = {tensor.name for tensor in layout.of_role("backbone")}
    whole = load_file(folder / MODEL_SAFETENSORS)
    head = {name: tensor for name, tensor in whole.items() if name not in names}
    safetensors, ckpt = folder / BACKBONE_SAFETENSORS, folder / BACKBONE_CKPT
    return {
        MODEL_SAFETENSORS: lambda: whole,
        BACKBONE_SAFETENSORS: lambda: {**head, **in_model_names(load_file(safetensors), layout)},
        BACKBONE_CKPT: lambda: {
            **head,
            **in_model_names(torch.load(ckpt, weights_only=True), layout),
        },
    }


def _require_same(name: str, found: Answer, expected: Answer) -> None:
    for what, tensors in expected.items():
        if [one.shape for one in found[what]] != [one.shape for one in tensors]:
            raise ExportNotEqual(f"{name} read back gives {what} of other shapes")
        for one, other in zip(found[what], tensors, strict=True):
            if not torch.equal(one, other):
                difference = float((one.double() - other.double()).abs().max())
                raise ExportNotEqual(
                    f"{name} read back gives {what} that differ by up to {difference}"
                )


def _require_same_tensors(name: str, found: State, trained: State) -> None:
    assert found.keys() == trained.keys()  # `assembled` refuses other names
    different = [each for each in trained if not torch.equal(found[each], trained[each])]
    if different:
        raise ExportNotEqual(f"{name} read back has other numbers in {listed(different)}")


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: sums that are cut into other parts on a busy host round otherwise."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def answer_of(model: nn.Module, head_modules: Sequence[str], images: Inputs) -> Answer:
    """Return what enters the head, and what leaves the model, whatever their structure."""
    features: list[Tensor] = []

    def remember(_module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        features.extend(each.clone() for each in tensors_in((inputs, named)))

    hooks = [
        model.get_submodule(path).register_forward_pre_hook(remember, with_kwargs=True)
        for path in head_modules
    ]
    try:
        with torch.no_grad():
            outputs = model(images)
    finally:
        for hook in hooks:
            hook.remove()
    return {"features": features, "outputs": tensors_in(outputs)}


def tensors_in(value: object) -> list[Tensor]:
    """Return the tensors of nested mappings and sequences, in their order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        return [tensor for each in value.values() for tensor in tensors_in(each)]
    if isinstance(value, list | tuple):
        return [tensor for each in value for tensor in tensors_in(each)]
    return []
