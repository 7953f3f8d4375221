"""What a family file says about its architectures: stages, head, sizes, as names only. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field

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

    is_fixed: bool = False
    """Only the size that the structure was built for: position tables, window partitions."""

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

    runner: str = "sequential"
    """How the modules are run: a name in the table of `trunk.py`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A row of facts that hold for every architecture of a family."""

    name: str
    stages: Mapping[str, tuple[StageRule, ...]]
    """Architecture -> stages from the image side to the head side. Its keys are the family."""

    head_modules: tuple[str, ...]
    """What trains under a frozen backbone, dropout before the last layer included."""

    final_layer: str
    """Path of the layer whose outputs are the classes."""

    head_init: str
    """How the family itself initialises `final_layer`: a name in `initialise.py`'s table."""

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

    stem_layers: Mapping[str, str] = field(default_factory=dict)
    """Architecture -> path of the first convolution, whose input channels can be changed."""

    features: Mapping[str, FeatureRule] = field(default_factory=dict)
    """Architecture -> how feature maps are taken; absent: it has none for a dense head."""

    free_arguments: tuple[str, ...] = ()
    """Builder arguments that a spec may set (`arguments`): configurations of any size."""

    tiny_arguments: Mapping[str, object] = field(default_factory=dict)
    """Builder arguments of a variant small enough for a test's training step."""

    new_task_arguments: Mapping[str, object] = field(default_factory=dict)
    """Builder arguments that a new task changes besides the number of classes."""

    source: str
    """The publication that the stages follow."""

    @property
    def replaced_modules(self) -> tuple[str, ...]:
        """Return the paths that a new task re-initialises."""
        return self.replaced or (self.final_layer,)


def stages(**modules: str) -> tuple[StageRule, ...]:
    """Return rules from `stem="conv1 bn1", layer1="layer1"`: paths separated by blanks."""
    return tuple(
        StageRule(name=name, modules=tuple(text.split())) for name, text in modules.items()
    )
