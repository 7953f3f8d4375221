"""What ViT's tensors are called elsewhere.

timm's names are those of Meta's DINO and MAE and of MoCo v3 too, whose code began as timm's.

Sources: timm/models/vision_transformer.py; github.com/facebookresearch/dino,
vision_transformer.py; github.com/facebookresearch/mae, models_mae.py;
github.com/facebookresearch/moco-v3, vits.py; transformers, models/vit/modeling_vit.py.
"""

from collections.abc import Mapping

from catalog_service.weights.naming_scheme import Place, Scheme

_LAYER = "encoder.layers.encoder_layer_N"


def _places(table: Mapping[str, str]) -> tuple[Place, ...]:
    return tuple(Place(ours=ours, theirs=theirs) for ours, theirs in table.items())


_TIMM = _places(
    {
        "class_token": "cls_token",
        "encoder.pos_embedding": "pos_embed",
        "conv_proj.*": "patch_embed.proj.*",
        "encoder.ln.*": "norm.*",
        f"{_LAYER}.ln_1.*": "blocks.N.norm1.*",
        f"{_LAYER}.ln_2.*": "blocks.N.norm2.*",
        f"{_LAYER}.self_attention.in_proj_weight": "blocks.N.attn.qkv.weight",
        f"{_LAYER}.self_attention.in_proj_bias": "blocks.N.attn.qkv.bias",
        f"{_LAYER}.self_attention.out_proj.*": "blocks.N.attn.proj.*",
        f"{_LAYER}.mlp.0.*": "blocks.N.mlp.fc1.*",
        f"{_LAYER}.mlp.3.*": "blocks.N.mlp.fc2.*",
    }
)
"""Query, key and value are in one tensor, in the order of `nn.MultiheadAttention`."""

_HUB_LAYER = "encoder.layer.N"
_HUB_ATTENTION = f"{_HUB_LAYER}.attention.attention"


def _joined(ours: str, ending: str) -> Place:
    pieces = tuple(f"{_HUB_ATTENTION}.{part}.{ending}" for part in ("query", "key", "value"))
    return Place(ours=ours, theirs=pieces[0], pieces=pieces)


_HUB = (
    *_places(
        {
            "class_token": "embeddings.cls_token",
            "encoder.pos_embedding": "embeddings.position_embeddings",
            "conv_proj.*": "embeddings.patch_embeddings.projection.*",
            "encoder.ln.*": "layernorm.*",
            f"{_LAYER}.ln_1.*": f"{_HUB_LAYER}.layernorm_before.*",
            f"{_LAYER}.ln_2.*": f"{_HUB_LAYER}.layernorm_after.*",
            f"{_LAYER}.self_attention.out_proj.*": (f"{_HUB_LAYER}.attention.output.dense.*"),
            f"{_LAYER}.mlp.0.*": f"{_HUB_LAYER}.intermediate.dense.*",
            f"{_LAYER}.mlp.3.*": f"{_HUB_LAYER}.output.dense.*",
        }
    ),
    _joined(f"{_LAYER}.self_attention.in_proj_weight", "weight"),
    _joined(f"{_LAYER}.self_attention.in_proj_bias", "bias"),
)

VIT_SCHEMES = (
    Scheme(
        name="timm",
        source="timm/models/vision_transformer.py",
        places=_TIMM,
        refused=("norm_pre", "fc_norm", "dist_token", "reg_token", "attn_pool", "rope"),
        head="head",
    ),
    Scheme(
        name="huggingface",
        source="transformers, models/vit/modeling_vit.py",
        places=_HUB,
        head="classifier",
        differs=(
            "transformers' ViT adds 1e-12 in its layer norms (config.layer_norm_eps), "
            "torchvision's adds 1e-6: the same numbers give other outputs; "
            "register the original file, under timm's names"
        ),
    ),
)
"""MAE's decoder, projectors and prototypes lie beside these and are left out."""
