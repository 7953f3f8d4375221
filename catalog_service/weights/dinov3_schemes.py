"""What DINOv3's tensors are called elsewhere: on the hub, by Meta and by timm. Pure, tables only.

Sources: github.com/facebookresearch/dinov3, dinov3/models/vision_transformer.py, dinov3/layers and
dinov3/models/convnext.py; github.com/huggingface/transformers, `layer` of 4.56 and the module names
of 5; github.com/huggingface/pytorch-image-models, timm/models/eva.py and convnext.py with their
`checkpoint_filter_fn`.
"""

from collections.abc import Mapping

from catalog_service.weights.naming_scheme import Place, Scheme

_HUB = "transformers/conversion_mapping.py"
_META = "github.com/facebookresearch/dinov3"
_TIMM = "github.com/huggingface/pytorch-image-models"


def _places(table: Mapping[str, str]) -> tuple[Place, ...]:
    return tuple(Place(ours=ours, theirs=theirs) for ours, theirs in table.items())


def _parts(theirs: str, ours: tuple[str, ...]) -> tuple[Place, ...]:
    """Return the places in one fused tensor; "" is a part that ours does not have."""
    return tuple(
        Place(ours=name, theirs=theirs, part=part, num_parts=len(ours))
        for part, name in enumerate(ours)
        if name
    )


_LAYER = "model.layer.N"
_QUERY, _KEY, _VALUE = (f"{_LAYER}.attention.{name}_proj" for name in ("q", "k", "v"))
_GATE, _UP, _DOWN = (f"{_LAYER}.mlp.{name}_proj" for name in ("gate", "up", "down"))

_VIT = (
    *_places(
        {
            "embeddings.cls_token": "cls_token",
            "embeddings.patch_embeddings.*": "patch_embed.proj.*",
            f"{_LAYER}.norm1.*": "blocks.N.norm1.*",
            f"{_LAYER}.norm2.*": "blocks.N.norm2.*",
            f"{_LAYER}.attention.o_proj.*": "blocks.N.attn.proj.*",
        }
    ),
    *_parts("blocks.N.attn.qkv.weight", (f"{_QUERY}.weight", f"{_KEY}.weight", f"{_VALUE}.weight")),
)
"""What Meta and timm call the same. Source: timm's code began as Meta's, and kept these."""

_META_VIT = (
    *_VIT,
    *_places(
        {
            "embeddings.register_tokens": "storage_tokens",
            f"{_LAYER}.layer_scale1.lambda1": "blocks.N.ls1.gamma",
            f"{_LAYER}.layer_scale2.lambda1": "blocks.N.ls2.gamma",
        }
    ),
    Place(ours="embeddings.mask_token", theirs="mask_token", is_reshaped=True),
    *_parts("blocks.N.attn.qkv.bias", (f"{_QUERY}.bias", "", f"{_VALUE}.bias")),
)
"""The mask token is [1, D] there. The bias of keys is masked (`LinearKMaskedBias`)."""

_NO_BIAS = "timm's models without `qkvb` in their name have no such bias: it was 0"

_TIMM_VIT = (
    *_VIT,
    *_places(
        {
            "embeddings.register_tokens": "reg_token",
            f"{_LAYER}.layer_scale1.lambda1": "blocks.N.gamma_1",
            f"{_LAYER}.layer_scale2.lambda1": "blocks.N.gamma_2",
        }
    ),
    Place(
        ours="embeddings.mask_token",
        theirs="mask_token",
        absent="timm has no mask token; images without masks do not use it",
    ),
    Place(ours=f"{_QUERY}.bias", theirs="blocks.N.attn.q_bias", absent=_NO_BIAS),
    Place(ours=f"{_VALUE}.bias", theirs="blocks.N.attn.v_bias", absent=_NO_BIAS),
)
"""The bias of keys is a buffer of zeros in no file (`EvaAttention`)."""

_MLP = _places({f"{_UP}.*": "blocks.N.mlp.fc1.*", f"{_DOWN}.*": "blocks.N.mlp.fc2.*"})

_META_GATED = _places(
    {
        f"{_GATE}.*": "blocks.N.mlp.w1.*",
        f"{_UP}.*": "blocks.N.mlp.w2.*",
        f"{_DOWN}.*": "blocks.N.mlp.w3.*",
    }
)
"""Source: `SwiGLUFFN`: w3(silu(w1(x)) * w2(x))."""

_META_FUSED = (
    *_parts("blocks.N.mlp.w12.*", (f"{_GATE}.*", f"{_UP}.*")),
    *_places({f"{_DOWN}.*": "blocks.N.mlp.w3.*"}),
)
"""Source: `SwiGLUFFN` of dinov2/layers/swiglu_ffn.py: the first half of w12 is the gate."""

_TIMM_GATED = _places(
    {
        f"{_GATE}.*": "blocks.N.mlp.fc1_g.*",
        f"{_UP}.*": "blocks.N.mlp.fc1_x.*",
        f"{_DOWN}.*": "blocks.N.mlp.fc2.*",
    }
)
"""Source: `SwiGLU` of timm/layers/mlp.py."""


def _meta_vit(mlp: tuple[Place, ...]) -> Scheme:
    return Scheme(
        name="Meta",
        source=_META,
        places=(*_META_VIT, *mlp),
        mask_ending="_mask",
        rotary_periods="rope_embed.periods",
        unused={"local_cls_norm": "norms the class token of local crops, in pretraining only"},
        refused=("cls_norm",),
    )


def _timm_vit(mlp: tuple[Place, ...]) -> Scheme:
    return Scheme(
        name="timm",
        source=_TIMM,
        places=(*_TIMM_VIT, *mlp),
        rotary_periods="rope.periods",
        refused=("fc_norm", "norm_pre", "pos_embed"),
    )


_STAGE = "model.stages.N"

_META_CONVNEXT = _places(
    {
        f"{_STAGE}.downsample_layers.N.*": "downsample_layers.N.N.*",
        f"{_STAGE}.layers.N.gamma": "stages.N.N.gamma",
        f"{_STAGE}.layers.N.depthwise_conv.*": "stages.N.N.dwconv.*",
        f"{_STAGE}.layers.N.layer_norm.*": "stages.N.N.norm.*",
        f"{_STAGE}.layers.N.pointwise_conv1.*": "stages.N.N.pwconv1.*",
        f"{_STAGE}.layers.N.pointwise_conv2.*": "stages.N.N.pwconv2.*",
        "layer_norm.*": "norm.*",
    }
)

_TIMM_CONVNEXT = _places(
    {
        "model.stages.0.downsample_layers.N.*": "stem.N.*",
        f"{_STAGE}.downsample_layers.N.*": "stages.N.downsample.N.*",
        f"{_STAGE}.layers.N.gamma": "stages.N.blocks.N.gamma",
        f"{_STAGE}.layers.N.depthwise_conv.*": "stages.N.blocks.N.conv_dw.*",
        f"{_STAGE}.layers.N.layer_norm.*": "stages.N.blocks.N.norm.*",
        f"{_STAGE}.layers.N.pointwise_conv1.*": "stages.N.blocks.N.mlp.fc1.*",
        f"{_STAGE}.layers.N.pointwise_conv2.*": "stages.N.blocks.N.mlp.fc2.*",
        "layer_norm.*": "head.norm.*",
    }
)

SCHEMES: Mapping[str, tuple[Scheme, ...]] = {
    "dinov3_vit": (
        Scheme(name="hub", source=_HUB, places=_places({"model.layer.**": "layer.**"})),
        _meta_vit(_MLP),
        _meta_vit(_META_GATED),
        _meta_vit(_META_FUSED),
        _timm_vit(_MLP),
        _timm_vit(_TIMM_GATED),
    ),
    "dinov3_convnext": (
        Scheme(name="hub", source=_HUB, places=_places({"model.stages.**": "stages.**"})),
        Scheme(
            name="Meta",
            source=_META,
            places=_META_CONVNEXT,
            copies={
                "norms.3.weight": "layer_norm.weight",
                "norms.3.bias": "layer_norm.bias",
            },
        ),
        Scheme(
            name="timm",
            source=_TIMM,
            places=_TIMM_CONVNEXT,
            unused={"head.fc": "the head of another task", "head.pre_logits": "of another task"},
            refused=("norm_pre",),
        ),
    ),
}
"""Family -> schemes beside our own, which is that of transformers' modules from version 5 on."""
