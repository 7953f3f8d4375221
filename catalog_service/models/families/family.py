"""What a family file says about its architectures: stages, head, sizes, as names only. No torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from catalog_service.models.families.argument_rule import ArgumentRule
from catalog_service.models.layout import PrefixRename


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRule:
    """A stage by the paths of the modules (or single tensors) that it is made of."""

    name: str
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRule:
    """Which image sizes a family takes, in pixels."""

    minimum_px: int
    """Smallest side whose forward does not raise."""

    minimums_px: Mapping[str, int] = field(default_factory=dict)
    """Architectures whose smallest side is another one."""

    training_px: int = 0
    """Smallest side that trains; 0: the same as in evaluation."""

    aux_training_px: int = 0
    """Smallest side that trains with the auxiliary heads; 0: they do not mind."""

    multiple_of_px: int = 1
    """Sides are multiples of this; where the size is fixed, of the sides that can be asked for, and
    1 means that no other can.
    """

    multiples_px: Mapping[str, int] = field(default_factory=dict)
    """Architectures with another step."""

    crops_border: bool = False
    """Sides that are no multiples run, but what is beyond the last multiple is not seen."""

    single_px: int = 0
    """Up to this longer side, some batch norm has one number per channel: two images train, one
    does not. 0: there is no such size.
    """

    singles_px: Mapping[str, int] = field(default_factory=dict)
    """Architectures where that is another size."""

    aux_single_px: int = 0
    """The same with the auxiliary heads."""

    training_batch: int = 1
    """Smallest batch that trains at any size: 2 where pooled features go through a batch norm."""

    is_fixed: bool = False
    """Only the size that the structure was built for: position tables, window partitions."""

    is_square: bool = False
    """Height and width are the same."""

    argument: str = ""
    """The builder's argument that holds a fixed size."""

    default_px: int = 0
    """The fixed size where the recipe does not say another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """The architecture whose backbone lies inside another one."""

    architecture_id: str
    """`resnet50` inside `fcn_resnet50`."""

    names: tuple[PrefixRename, ...]
    """From the trunk's names to those inside: `` -> `backbone.body.`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRule:
    """How feature maps are taken from a backbone: which modules run in which order, and taps."""

    modules: tuple[str, ...]
    """Paths in the order of the forward, up to the last map; `relu` and the like are modules."""

    taps: Mapping[str, str]
    """Name of a map (the stage after which it is taken) -> path of the module that gives it."""

    strides: tuple[int, ...] = (4, 8, 16, 32)
    """Pixels of the image per step of each map, finest first, in the order of `taps`."""

    runner: str = "sequential"
    """How the modules are run: a name in the table of `trunk.py`."""

    has_class_token: bool = False
    """It also has a vector of its own (`class_token`), as ViT and DINOv3 do."""

    dilation: Mapping[str, object] = field(default_factory=dict)
    """Builder arguments that keep the last maps finer, for segmentation without a neck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A row of facts that hold for every architecture of a family."""

    name: str
    stages: Mapping[str, tuple[StageRule, ...]]
    """Architecture -> stages from the image side to the head side. Its keys are the family; the
    first one is the smallest.
    """

    head_modules: tuple[str, ...]
    """What trains under a frozen backbone, dropout before the last layer included."""

    final_layer: str
    """Path of the layer whose outputs are the classes; empty where nothing has classes."""

    head_init: str
    """How the family itself initialises what is replaced: a name in `initialise.py`'s table, or
    `library`: as the module's own constructor draws it.
    """

    size: SizeRule
    aux_modules: tuple[str, ...] = ()
    """Used in training only; a new task drops them."""

    neck_modules: tuple[str, ...] = ()
    """Joins feature maps: FPN and RPN's like."""

    task: str = "classification"
    """What the published head does."""

    replaced: tuple[str, ...] = ()
    """What a new task re-initialises; empty means `final_layer` alone."""

    trunks: Mapping[str, Trunk] = field(default_factory=dict)
    """Architecture -> the other architecture whose backbone it has; itself where it is absent."""

    stem_layer: str = ""
    """Path of the first convolution, whose input channels can be changed; empty where there is not
    one (RAFT has two).
    """

    stem_layers: Mapping[str, str] = field(default_factory=dict)
    """Architecture -> path of its first convolution, where it is not `stem_layer`."""

    features: Mapping[str, FeatureRule] = field(default_factory=dict)
    """Architecture -> how feature maps are taken; absent: it has none for a dense head."""

    free_arguments: Mapping[str, ArgumentRule] = field(default_factory=dict)
    """Builder arguments that a spec may set (`arguments`), for configurations of another size, and
    the values that they take.
    """

    contradiction: Callable[[Mapping[str, Any]], str] | None = None
    """All builder arguments, each right by itself -> why they do not go together, or nothing."""

    sized_stages: Callable[[Mapping[str, object]], tuple[StageRule, ...]] | None = None
    """Builder arguments -> stages, where arguments change how many there are; () where they do not
    say.
    """

    tiny_arguments: Mapping[str, object] = field(default_factory=dict)
    """Builder arguments that make `tiny_architecture` small enough for a test's training step."""

    aux_argument: str = ""
    """The builder's argument that keeps (True) or drops (False) the auxiliary heads."""

    position_table: str = ""
    """Path of the table of positions, [1, 1 + N, D], that another image size resizes."""

    output_activation: str = ""
    """Path of an activation behind `final_layer` that lets no negative number through."""

    source: str
    """The publication that the stages follow."""

    @property
    def replaced_modules(self) -> tuple[str, ...]:
        """Return the paths that a new task re-initialises; none where nothing has classes."""
        return self.replaced or ((self.final_layer,) if self.final_layer else ())

    @property
    def tiny_architecture(self) -> str:
        """Return the member that tests build with `tiny_arguments`."""
        return next(iter(self.stages))

    def stem_of(self, architecture_id: str) -> str:
        """Return the path of an architecture's first convolution; empty where there is not one."""
        return self.stem_layers.get(architecture_id, self.stem_layer)

    def stages_of(
        self, architecture_id: str, arguments: Mapping[str, object]
    ) -> tuple[StageRule, ...]:
        """Return the stages of an architecture that is built with `arguments`."""
        sized = self.sized_stages(arguments) if self.sized_stages else ()
        return sized or self.stages[architecture_id]


def stages(**modules: str) -> tuple[StageRule, ...]:
    """Return rules from `stem="conv1 bn1", layer1="layer1"`: paths separated by blanks."""
    return tuple(
        StageRule(name=name, modules=tuple(text.split())) for name, text in modules.items()
    )


def feature_rule(modules: str, taps: Mapping[str, str], **facts: Any) -> FeatureRule:
    """Return a rule from `"conv1 bn1 relu"`, paths separated by blanks.

    Args:
        taps: in the order of the forward.
        facts: other fields of `FeatureRule`.
    """
    return FeatureRule(modules=tuple(modules.split()), taps=taps, **facts)


def stages_inside(trunk: Trunk, rules: tuple[StageRule, ...]) -> tuple[StageRule, ...]:
    """Return a trunk's own stages under the names that they have inside another architecture."""
    return tuple(
        replace(rule, modules=tuple(_inside(trunk, path) for path in rule.modules))
        for rule in rules
    )


def _inside(trunk: Trunk, path: str) -> str:
    for names in trunk.names:
        if path.startswith(names.blob_prefix):
            return names.model_prefix + path.removeprefix(names.blob_prefix)
    return path
