"""VGG: blocks of 3x3 convolutions between poolings. The whole classifier is head, not replaced."""

from catalog_service.models.families.family import (
    Family,
    FeatureRule,
    SizeRule,
    StageRule,
    feature_rule,
)

CONVOLUTIONS = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}
"""Convolutions between poolings. Source: Simonyan and Zisserman 2014, table 1 (A, B, D, E)."""


def _stages(num_convolutions: tuple[int, ...], layers: tuple[str, ...]) -> tuple[StageRule, ...]:
    """Number the modules of `features` as torchvision does: `layers` a convolution, then a pool."""
    rules, index = [], 0
    for block, count in enumerate(num_convolutions, start=1):
        modules = []
        for _ in range(count):
            modules += [
                f"features.{index + place}" for place, kind in enumerate(layers) if kind != "relu"
            ]
            index += len(layers)
        index += 1  # the pooling
        rules.append(StageRule(name=f"block{block}", modules=tuple(modules)))
    return tuple(rules)


def _features(num_convolutions: tuple[int, ...], num_layers: int) -> FeatureRule:
    """Return the map after the pooling of each block but the first."""
    pools, index = [], -1
    for count in num_convolutions:
        index += count * num_layers + 1
        pools.append(f"features.{index}")
    return feature_rule(
        " ".join(f"features.{place}" for place in range(index + 1)),
        {f"block{block}": pool for block, pool in enumerate(pools[1:], start=2)},
    )


FAMILY = Family(
    name="vgg",
    stages={
        **{name: _stages(counts, ("conv", "relu")) for name, counts in CONVOLUTIONS.items()},
        **{
            f"{name}_bn": _stages(counts, ("conv", "norm", "relu"))
            for name, counts in CONVOLUTIONS.items()
        },
    },
    head_modules=("classifier",),
    final_layer="classifier.6",
    head_init="normal_0.01",
    size=SizeRule(minimum_px=32),
    stem_layer="features.0",
    features={
        **{name: _features(counts, 2) for name, counts in CONVOLUTIONS.items()},
        **{f"{name}_bn": _features(counts, 3) for name, counts in CONVOLUTIONS.items()},
    },
    source="Simonyan and Zisserman 2014, arXiv:1409.1556",
)
