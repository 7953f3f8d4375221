"""Random numbers, only where they were asked for, from a seed, and the architecture's own kind.

Imports torch. The global generator is left as it was found.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Generator, Tensor, nn

from catalog_service.models.builders import build_architecture
from catalog_service.models.composed import compose_model
from catalog_service.models.describe import describe
from catalog_service.models.dtypes import TORCH_DTYPES
from catalog_service.models.families.family import Family
from catalog_service.models.families.table import family_of
from catalog_service.models.layout import StateLayout, TensorInfo, is_inside
from catalog_service.models.placements import PLACEMENTS
from catalog_service.models.recipe import Recipe
from catalog_service.models.removed_modules import remove_modules
from catalog_service.models.skeleton import ParametersOnMeta, build
from catalog_service.models.stem import adapt_stem


def _uniform_fan_in(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
    bound = 1 / math.sqrt(weight[0].numel())
    nn.init.uniform_(weight, -bound, bound, generator=generator)
    if bias is not None:
        nn.init.uniform_(bias, -bound, bound, generator=generator)


def _uniform_fan_in_zero_bias(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
    _uniform_fan_in(weight, None, generator)
    _zero(bias)


def _uniform_fan_out(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
    bound = 1 / math.sqrt(weight.shape[0])
    nn.init.uniform_(weight, -bound, bound, generator=generator)
    _zero(bias)


def _kaiming_fan_out_sigmoid(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
    nn.init.kaiming_uniform_(weight, mode="fan_out", nonlinearity="sigmoid", generator=generator)
    _zero(bias)


def _zeros(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
    nn.init.zeros_(weight)
    _zero(bias)


def _normal(std: float) -> Callable[[Tensor, Tensor | None, Generator], None]:
    def fill(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
        nn.init.normal_(weight, std=std, generator=generator)
        _zero(bias)

    return fill


def _truncated_normal(std: float) -> Callable[[Tensor, Tensor | None, Generator], None]:
    def fill(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
        nn.init.trunc_normal_(weight, std=std, generator=generator)
        _zero(bias)

    return fill


def _truncated_normal_linear_bias(
    std: float,
) -> Callable[[Tensor, Tensor | None, Generator], None]:
    def fill(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
        _uniform_fan_in(weight, bias, generator)
        nn.init.trunc_normal_(weight, std=std, generator=generator)

    return fill


def _zero(bias: Tensor | None) -> None:
    if bias is not None:
        nn.init.zeros_(bias)


def _kaiming_fan_out(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
    _uniform_fan_in(weight, bias, generator)
    nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu", generator=generator)


def _kaiming_fan_out_zero_bias(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
    _kaiming_fan_out(weight, bias, generator)
    _zero(bias)


def _xavier(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
    nn.init.xavier_uniform_(weight, generator=generator)
    _zero(bias)


def _rare_objects(weight: Tensor, bias: Tensor | None, generator: Generator) -> None:
    nn.init.normal_(weight, std=0.01, generator=generator)
    assert bias is not None
    nn.init.constant_(bias, -math.log((1 - PRIOR_PROBABILITY) / PRIOR_PROBABILITY))


PRIOR_PROBABILITY = 0.01
"""How often an anchor is taken for an object before training. Source: Lin et al. 2017, section 4.1;
torchvision's RetinaNet and FCOS.
"""

Init = Callable[[Tensor, Tensor | None, Generator], None]
"""Fills a layer's weight and bias."""

HEAD_INITS: Mapping[str, Init] = {
    "uniform_fan_in": _uniform_fan_in,
    "uniform_fan_in_zero_bias": _uniform_fan_in_zero_bias,
    "uniform_fan_out": _uniform_fan_out,
    "kaiming_fan_out_sigmoid": _kaiming_fan_out_sigmoid,
    "normal_0.01": _normal(0.01),
    "normal_0.02": _normal(0.02),
    "truncated_normal_0.02": _truncated_normal(0.02),
    "truncated_normal_0.01_linear_bias": _truncated_normal_linear_bias(0.01),
    "truncated_normal_0.1_linear_bias": _truncated_normal_linear_bias(0.1),
    "zeros": _zeros,
}
"""How torchvision's own builders initialise their last layer. Source: its `__init__` methods."""

LAYER_INITS: Mapping[tuple[str, str], Init] = {
    ("faster_rcnn", "box_predictor"): _uniform_fan_in,
    ("mask_rcnn", "box_predictor"): _uniform_fan_in,
    ("mask_rcnn", "mask_predictor"): _kaiming_fan_out,
    ("keypoint_rcnn", "box_predictor"): _uniform_fan_in,
    ("keypoint_rcnn", "kps_score_lowres"): _kaiming_fan_out_zero_bias,
    ("retinanet", "cls_logits"): _rare_objects,
    ("fcos", "cls_logits"): _rare_objects,
    ("ssd", "classification_head"): _xavier,
    ("ssdlite", "classification_head"): _normal(0.03),
    ("googlenet", "aux1"): _truncated_normal_linear_bias(0.01),
    ("googlenet", "aux2"): _truncated_normal_linear_bias(0.01),
    ("inception_v3", "AuxLogits"): _truncated_normal_linear_bias(0.001),
}
"""Family and a module on the path -> how torchvision initialises its layers, where that differs
between the layers of one family. Source: the constructors in torchvision.models.
"""


def random_state(recipe: Recipe, seed: int) -> dict[str, Tensor]:
    """Return a whole state drawn by the architecture's own initialisation.

    The same recipe and seed give the same numbers on one torch version and CPU capability; the
    backbone's do not depend on the head.
    """
    published = _random_published_state(recipe, seed)
    if recipe.head is None:
        return published
    layout = describe(recipe)
    new = draw_head(recipe, layout, seed)
    is_composed = recipe.head["kind"] in PLACEMENTS
    origins = {t.name: layout.blob_name(t.name) if is_composed else t.name for t in layout.tensors}
    return {name: new[name] if name in new else published[old] for name, old in origins.items()}


def draw_head(recipe: Recipe, layout: StateLayout, seed: int) -> dict[str, Tensor]:
    """Return new tensors for the replaced modules of a layout, initialised as the family does.

    A composed model's neck and heads are what their constructors draw.
    """
    if recipe.head is not None and recipe.head["kind"] in PLACEMENTS:
        return _composed_parts(recipe, layout, seed)
    family = family_of(recipe.architecture_id)
    infos = {tensor.name: tensor for tensor in layout.tensors}
    generator = Generator().manual_seed(seed)
    drawn: dict[str, Tensor] = {}
    for module in layout.replaced_modules:
        layers = _layers(infos, module)
        for layer in layers:
            weight = _empty(infos[f"{layer}.weight"])
            bias = _empty(infos[f"{layer}.bias"]) if f"{layer}.bias" in infos else None
            with torch.no_grad():
                _init_of(family, layer, is_last=layer == layers[-1])(weight, bias, generator)
            drawn |= {f"{layer}.weight": weight} | ({} if bias is None else {f"{layer}.bias": bias})
    return {name: drawn[name] for name in infos if name in drawn}


def _layers(infos: Mapping[str, TensorInfo], module: str) -> list[str]:
    """Return the paths of a module's layers, in order: the module itself, or those inside it."""
    suffix = ".weight"
    return [
        name.removesuffix(suffix)
        for name in infos
        if name.endswith(suffix) and is_inside(name, module)
    ]


def _init_of(family: Family, layer: str, *, is_last: bool) -> Init:
    """Return how a layer starts; hidden layers of ours start as torch starts a linear layer."""
    for part in layer.split("."):
        if (family.name, part) in LAYER_INITS:
            return LAYER_INITS[family.name, part]
    return HEAD_INITS[family.head_init] if is_last else _uniform_fan_in


def _composed_parts(recipe: Recipe, layout: StateLayout, seed: int) -> dict[str, Tensor]:
    """Return the neck and the heads around a backbone on meta: none of its numbers is drawn."""
    with ParametersOnMeta():
        backbone = adapt_stem(build_architecture(recipe), recipe)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        module = remove_modules(compose_model(backbone, recipe), recipe.removed_modules)
    state = module.state_dict()
    return {
        tensor.name: state[tensor.name].detach().contiguous()
        for tensor in layout.tensors
        if any(is_inside(tensor.name, path) for path in layout.replaced_modules)
    }


def _random_published_state(recipe: Recipe, seed: int) -> dict[str, Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        module = build(_published(recipe))
    return {name: tensor.detach().contiguous() for name, tensor in module.state_dict().items()}


def _published(recipe: Recipe) -> Recipe:
    """Return the recipe with the published head, and the auxiliary heads that its own one keeps."""
    head = recipe.head or {}
    argument = family_of(recipe.architecture_id).aux_argument
    keeps = argument and head.get("aux") and head["kind"] not in PLACEMENTS
    kept = {argument: True} if keeps else {}
    return replace(
        recipe, head=None, neck=None, removed_modules=(), arguments={**recipe.arguments, **kept}
    )


def _empty(info: TensorInfo) -> Tensor:
    return torch.empty(info.shape, dtype=TORCH_DTYPES[info.dtype])
