"""One DINOv3 backbone under the names of four code bases becomes the same tensors."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from catalog_service.blobs.safetensors_file import TensorSpec
from catalog_service.checkpoints.remap import Remap, matched_elements, remap
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.assemble import assembled
from catalog_service.models.compose import Part, compose_backbone
from catalog_service.models.describe import describe
from catalog_service.models.dtypes import spelling_of
from catalog_service.models.families.table import family_of
from catalog_service.models.recipe import Recipe
from catalog_service.models.source import Source
from catalog_service.models.state_mismatch import StateMismatch
from catalog_service.weights.published_layouts import NamesCollide
from tests.fakes.dinov3_files import (
    hub,
    meta_convnext,
    meta_vit,
    rotary_periods,
    timm_convnext,
    timm_vit,
)
from tests.fakes.meta_vit import meta_tokens

State = dict[str, Tensor]
HEADS = 2

VIT: dict[str, Callable[[State], State]] = {
    "own": dict,
    "hub": hub,
    "Meta": lambda state: meta_vit(state, HEADS),
    "Meta, w12": lambda state: meta_vit(state, HEADS, fuses_gate=True),
    "timm": timm_vit,
}
CONVNEXT: dict[str, Callable[[State], State]] = {
    "own": dict,
    "hub": hub,
    "Meta": meta_convnext,
    "timm": timm_convnext,
}
FILES = [
    *(("dinov3_vits16", scheme, "model.") for scheme in VIT),
    *(("dinov3_vits16plus", scheme, "") for scheme in VIT),
    *(("dinov3_vit7b16", scheme, "module.teacher.backbone.") for scheme in VIT),
    *(("dinov3_convnext_tiny", scheme, "") for scheme in CONVNEXT),
    *(("dinov3_convnext_tiny", scheme, "model.") for scheme in CONVNEXT),
]


@pytest.mark.parametrize(("name", "scheme", "prefix"), FILES)
def test_every_scheme_gives_the_same_tensors(
    name: str, scheme: str, prefix: str, tmp_path: Path
) -> None:
    state = drawn(name)
    file = {f"{prefix}{key}": tensor for key, tensor in written(name, scheme, state).items()}

    part, mapped = imported(name, file, tmp_path)

    assert part.state.keys() == state.keys()
    assert all(torch.equal(part.state[key], state[key]) for key in state)
    assert bool(mapped.rules) == (scheme != "own" or prefix != "")
    assert not (part.report.missing or part.report.unexpected or part.report.misshapen)


def test_a_score_counts_the_parts_of_a_fused_tensor_and_one_of_another_shape() -> None:
    state = drawn("dinov3_vits16")
    layout = describe(tiny("dinov3_vits16"))
    tensors = specs(meta_vit(state, HEADS))

    found = matched_elements(remap(tensors, layout, "dinov3_vit"), tensors, layout)

    assert found == sum(tensor.numel() for tensor in state.values())


def test_the_report_names_every_rule(tmp_path: Path) -> None:
    state = drawn("dinov3_vits16")

    _, mapped = imported("dinov3_vits16", meta_vit(state, HEADS), tmp_path)

    assert {
        "Meta: storage_tokens -> embeddings.register_tokens (1 names)",
        "Meta: blocks.N.ls1.gamma -> model.layer.N.layer_scale1.lambda1 (2 names)",
        "Meta: blocks.N.attn.qkv.weight[2 of 3] -> model.layer.N.attention.k_proj.weight (2 names)",
        "Meta: blocks.N.attn.qkv.bias[2 of 3] left out: no bias there (2 names)",
        "Meta: *_mask left out: the architecture has it built in (2 names)",
        "Meta: rope_embed.periods left out: the model computes the same (1 names)",
    } <= set(mapped.rules)
    assert mapped.dropped == (
        "rope_embed.periods",
        "blocks.0.attn.qkv.bias_mask",
        "blocks.1.attn.qkv.bias_mask",
    )


def test_biases_and_a_mask_token_that_timm_leaves_out_are_0_and_told(tmp_path: Path) -> None:
    state = drawn("dinov3_vits16")
    biases = [key for key in state if key.endswith(("q_proj.bias", "v_proj.bias"))]
    state |= {key: torch.zeros_like(state[key]) for key in biases}

    part, mapped = imported("dinov3_vits16", timm_vit(state, has_bias=False), tmp_path)

    assert all(torch.equal(part.state[key], state[key]) for key in state)
    told = [rule for rule in mapped.rules if "filled with 0" in rule]
    assert [rule.split(" ")[1] for rule in told] == [
        "embeddings.mask_token",
        "model.layer.N.attention.v_proj.bias",
        "model.layer.N.attention.q_proj.bias",
    ]
    assert part.report.num_loaded == len(state) - 1 - len(biases)
    assert part.report.num_filled == 0, "counters are told apart from these"


@pytest.mark.parametrize("name", ["dinov3_vits16", "dinov3_vits16plus"])
@pytest.mark.parametrize("fuses_gate", [False, True])
def test_an_imported_model_computes_what_metas_code_does(
    name: str, fuses_gate: bool, tmp_path: Path
) -> None:
    """Which third is the query and which layer the gate, no digest tells."""
    file = meta_vit(drawn(name), HEADS, fuses_gate=fuses_gate)
    file["rope_embed.periods"] = rotary_periods(drawn(name), HEADS)  # not rounded to bfloat16
    images = torch.rand(2, 3, 48, 32)

    part, _ = imported(name, file, tmp_path)

    with torch.no_grad():
        found = assembled(tiny(name), part.state).eval()(images).last_hidden_state
        wanted = meta_tokens(file, images, HEADS)
    torch.testing.assert_close(found, wanted)  # the same sums, in another order


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"blocks.1.attn.qkv.bias_mask": torch.ones(96)}, r"is not \[1, 0, 1\] over 3 equal"),
        ({"rope_embed.periods": torch.ones(4)}, r"rope_embed.periods: \[4\] periods up to 1"),
        ({"rope_embed.periods": torch.ones(8)}, r"the architecture has \[4\] up to 31.62: 2 heads"),
        ({"cls_norm.weight": torch.ones(32)}, r"1 unexpected \(cls_norm.weight\)"),
        ({"blocks.2.norm1.weight": torch.ones(32)}, r"1 unexpected \(blocks.2.norm1.weight\)"),
        ({"blocks.0.attn.q_norm.weight": torch.ones(16)}, "1 unexpected"),
        ({"blocks.0.attn.qkv.weight": torch.ones(95, 32)}, r"3 missing .* 1 unexpected"),
        ({"mask_token": torch.ones(1, 31)}, "1 misshapen"),
        ({"blocks.0.ls1.gamma": None}, r"1 missing \(model.layer.0.layer_scale1.lambda1\)"),
        ({"mask_token": None}, r"1 missing \(embeddings.mask_token\)"),
    ],
)
def test_what_would_be_another_model_is_refused(
    change: Mapping[str, Tensor | None], message: str, tmp_path: Path
) -> None:
    file = {**meta_vit(drawn("dinov3_vits16"), HEADS), **change}

    with pytest.raises(StateMismatch, match=message):
        imported("dinov3_vits16", {k: t for k, t in file.items() if t is not None}, tmp_path)


def test_a_bias_of_keys_is_refused_where_no_mask_hides_it(tmp_path: Path) -> None:
    file = meta_vit(drawn("dinov3_vits16"), HEADS)
    file["blocks.0.attn.qkv.bias"][40] = 1.0
    part, _ = imported("dinov3_vits16", file, tmp_path)
    del file["blocks.0.attn.qkv.bias_mask"]

    with pytest.raises(StateMismatch, match=r"blocks.0.attn.qkv.bias: part 2 of 3 is not 0"):
        imported("dinov3_vits16", file, tmp_path)

    assert "model.layer.0.attention.k_proj.bias" not in part.state


def test_a_bias_that_one_layer_alone_lacks_is_missing(tmp_path: Path) -> None:
    file = timm_vit(drawn("dinov3_vits16"))
    del file["blocks.1.attn.q_bias"]

    with pytest.raises(StateMismatch, match=r"1 missing \(model.layer.1.attention.q_proj.bias\)"):
        imported("dinov3_vits16", file, tmp_path)


def test_a_second_norm_that_is_no_copy_is_refused(tmp_path: Path) -> None:
    file = meta_convnext(drawn("dinov3_convnext_tiny"))
    file["norms.3.weight"] += 1

    with pytest.raises(StateMismatch, match=r"norms.3.weight is not equal to layer_norm.weight"):
        imported("dinov3_convnext_tiny", file, tmp_path)


def test_a_head_is_dropped_and_told(tmp_path: Path) -> None:
    vit = timm_vit(drawn("dinov3_vits16")) | {"head.weight": torch.ones(5, 32)}
    convnext = timm_convnext(drawn("dinov3_convnext_tiny")) | {"head.fc.weight": torch.ones(5, 32)}

    _, of_vit = imported("dinov3_vits16", vit, tmp_path)
    _, of_convnext = imported("dinov3_convnext_tiny", convnext, tmp_path)

    assert of_vit.dropped == ("head.weight",)
    assert of_convnext.dropped == ("head.fc.weight",)


def test_a_norm_of_pretraining_alone_and_timms_periods_are_left_out(tmp_path: Path) -> None:
    state = drawn("dinov3_vits16")
    norm = {f"local_cls_norm.{end}": torch.ones(32) for end in ("weight", "bias")}
    periods = {"rope.periods": rotary_periods(state, HEADS)}

    of_meta, meta = imported("dinov3_vits16", meta_vit(state, HEADS) | norm, tmp_path)
    of_timm, timm = imported("dinov3_vits16", timm_vit(state) | periods, tmp_path)

    assert of_meta.state.keys() == of_timm.state.keys() == state.keys()
    assert any(rule.startswith("Meta: local_cls_norm left out") for rule in meta.rules)
    assert set(norm) <= set(meta.dropped)
    assert timm.dropped == ("rope.periods",)


def test_a_plain_mlp_does_not_become_a_gated_one(tmp_path: Path) -> None:
    plain, gated = (meta_vit(drawn(n), HEADS) for n in ("dinov3_vits16", "dinov3_vits16plus"))

    with pytest.raises(StateMismatch, match="missing"):
        imported("dinov3_vits16plus", plain, tmp_path)
    with pytest.raises(StateMismatch, match=r"unexpected \(blocks.0.mlp.w1"):
        imported("dinov3_vits16", gated, tmp_path)


def test_one_tensor_under_two_names_is_refused(tmp_path: Path) -> None:
    file = meta_vit(drawn("dinov3_vits16"), HEADS)
    file["embeddings.cls_token"] = file["cls_token"] + 1

    with pytest.raises(NamesCollide, match=r"embeddings\.cls_token"):
        imported("dinov3_vits16", file, tmp_path)


def written(name: str, scheme: str, state: State) -> State:
    return (CONVNEXT if "convnext" in name else VIT)[scheme](state)


def drawn(name: str) -> State:
    """Return numbers that tell every tensor apart; the mask token is 0, which timm leaves out."""
    generator = torch.Generator().manual_seed(0)
    layout = describe(tiny(name))
    state = {t.name: torch.randn(t.shape, generator=generator) / 4 for t in layout.tensors}
    if "embeddings.mask_token" in state:
        state["embeddings.mask_token"] = torch.zeros(1, 1, 32)
    return state


def imported(name: str, file: State, folder: Path) -> tuple[Part, Remap]:
    """Do what a registration does: name, rename, fit."""
    torch.set_num_threads(1)
    recipe, path = tiny(name), folder / "renamed.safetensors"
    mapped = remap(specs(file), describe(recipe), family_of(name).name)
    save_file({new: file[old].clone() for old, new in mapped.names.items()}, path)
    source = Source(path=path, recipe=recipe, rewrite=mapped.rewrite)
    return compose_backbone(recipe, source), mapped


def specs(file: State) -> list[TensorSpec]:
    return [
        TensorSpec(name=name, dtype=spelling_of(tensor.dtype), shape=tuple(tensor.shape))
        for name, tensor in file.items()
    ]


def tiny(name: str) -> Recipe:
    recipe = CatalogIndex.load().recipe_for(name)
    return replace(recipe, arguments={**recipe.arguments, **family_of(name).tiny_arguments})
