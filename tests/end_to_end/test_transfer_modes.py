"""Start from a definition, pretrained weights or a checkpoint; freeze in every way: what changes?

Exactly what the mode says, to the last bit: no tensor more, none less. What a mode says is worked
out here from roles, stages and the modules' types, not from the plan; the plan must say the same.
"""

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest
import torch
from torch import nn

from catalog_service.models.assemble import assemble
from catalog_service.models.freeze_plan import FreezeMode, UnfreezeStep
from catalog_service.models.layout import StateLayout, TensorInfo, is_inside
from catalog_service.models.skeleton import skeleton
from tests.fakes.transfer_site import Backbone, Ran, TransferSite, transfer_site
from trainer_service.jobs import JobModel, PhaseStarted, Planned

BACKBONES = (
    Backbone(name="resnet18"),
    Backbone(name="shufflenet_v2_x0_5"),
    Backbone(name="dinov3_vits16", is_tiny=True),
    Backbone(name="squeezenet1_1", side_px=48),
    Backbone(name="mobilenet_v3_small", side_px=48),
    Backbone(name="dinov3_convnext_tiny", is_tiny=True),
    Backbone(name="mnasnet0_5"),
    Backbone(name="efficientnet_b0"),
    Backbone(name="mobilenet_v2"),
    Backbone(name="densenet121"),
    Backbone(name="googlenet"),
    Backbone(name="regnet_y_400mf"),
)
"""One of each of twelve families, with a side at which all of it still computes something."""

STARTS = ("definition", "pretrained", "checkpoint")

LAST_THEN_ALL = (
    UnfreezeStep(after_steps=1, num_blocks=1),
    UnfreezeStep(after_steps=2, num_blocks=0),
)

MODES: dict[str, Callable[[StateLayout], FreezeMode]] = {
    "full": lambda _: FreezeMode(),
    "frozen_backbone": lambda _: FreezeMode(kind="frozen_backbone"),
    "last_blocks(1)": lambda _: FreezeMode(kind="last_blocks", num_blocks=1),
    "last_blocks(2)": lambda _: FreezeMode(kind="last_blocks", num_blocks=2),
    "gradual": lambda _: FreezeMode(kind="gradual", steps=LAST_THEN_ALL),
    "custom": lambda layout: FreezeMode(kind="custom", trainable_patterns=(stem(layout),)),
    "norm_only": lambda _: FreezeMode(kind="norm_only"),
    "scratch": lambda _: FreezeMode(kind="scratch"),
}
"""A mode's name -> the mode. `custom` trains the first stage and the head, nothing in between."""

UNREACHED = ("embeddings.mask_token",)
"""Ends of names of parameters that stand in for hidden patches, in pretraining only."""

COMBINATIONS = [
    (backbone, start, mode)
    for backbone, start, mode in product(BACKBONES, STARTS, MODES)
    if mode != "scratch" or start == "definition"
]
"""What begins from random numbers begins from no weights."""


def fast_selection() -> Iterator[tuple[Backbone, str, str]]:
    """Yield one combination a backbone: in turn all modes and all starts."""
    modes = list(MODES)
    for number, backbone in enumerate(BACKBONES):
        mode = modes[number % len(modes)]
        yield backbone, STARTS[number % 3] if mode != "scratch" else "definition", mode


FAST = list(fast_selection())


def stem(layout: StateLayout) -> str:
    """Return the first module of the first stage."""
    return layout.stages[0].modules[0]


def is_trained(tensor: TensorInfo, layout: StateLayout, mode: str, norms: set[str]) -> bool:
    """Return whether a parameter trains, at last."""
    if tensor.name.endswith(UNREACHED):
        return False
    if tensor.role != "backbone":
        return True
    last = {"last_blocks(1)": 1, "last_blocks(2)": 2}.get(mode, 0)
    parts = [module for stage in layout.stages[-last:] for module in stage.modules] if last else []
    if mode == "custom":
        parts = [stem(layout)]
    if mode == "norm_only":
        parts = sorted(norms)
    return mode in ("full", "scratch", "gradual") or any(is_inside(tensor.name, p) for p in parts)


def expected_changes(model: JobModel, mode: str, norm: str = "") -> set[str]:
    """Return the names of the tensors that a mode changes.

    Batch-norm statistics move where the whole backbone trains from the first step on, and where
    they are set anew.
    """
    layout = model.layout
    module = skeleton(model.recipe)
    leaves = {path: one for path, one in module.named_modules() if not list(one.children())}
    norms = {path for path, one in leaves.items() if "Norm" in type(one).__name__}
    batch_norms = [
        path
        for path, one in module.named_modules()
        if isinstance(one, nn.modules.batchnorm._BatchNorm)
    ]
    moves = mode in ("full", "scratch") or norm == "recalibrate"
    counted = ("running_mean", "running_var", "num_batches_tracked")
    statistics = {f"{path}.{name}" for path in batch_norms for name in counted if moves}
    return statistics | {
        tensor.name
        for tensor in layout.tensors
        if not tensor.is_buffer and is_trained(tensor, layout, mode, norms)
    }


def norm_for(start: str, mode: str) -> str:
    """Return a norm policy: statistics of a new module are those of no images."""
    is_new = start == "definition" and mode not in ("full", "scratch")
    return "recalibrate" if is_new else ""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TransferSite]:
    """A catalog with all backbones, published."""
    torch.set_num_threads(1)
    with transfer_site(tmp_path_factory.mktemp("transfer"), BACKBONES) as site:
        yield site


def check(site: TransferSite, backbone: Backbone, start: str, mode: str) -> Ran:
    """Run three steps and compare: plan, changes and digest of the backbone."""
    model = site.start(backbone, start)
    norm = norm_for(start, mode)
    expected = expected_changes(model, mode, norm)

    ran = site.run(model, MODES[mode](model.layout), norm=norm)

    (plan,) = [event.plan for event in ran.events if isinstance(event, Planned)]
    planned = {name for phase in plan.phases for name in phase.freeze.trainable}
    parameters = {tensor.name for tensor in model.layout.tensors if not tensor.is_buffer}
    assert ran.changed == expected
    assert planned == expected & parameters
    return ran


@pytest.mark.parametrize(
    ("backbone", "start", "mode"), FAST, ids=[f"{b.name}-{s}-{m}" for b, s, m in FAST]
)
def test_exactly_what_the_mode_says_changes(
    site: TransferSite, backbone: Backbone, start: str, mode: str
) -> None:
    ran = check(site, backbone, start, mode)

    assert any(name.startswith(("fc", "head", "classifier")) for name in ran.changed)


@pytest.mark.full
@pytest.mark.parametrize(
    ("backbone", "start", "mode"),
    [one for one in COMBINATIONS if one not in FAST],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_exactly_what_the_mode_says_changes_everywhere(
    site: TransferSite, backbone: Backbone, start: str, mode: str
) -> None:
    check(site, backbone, start, mode)


def test_the_fast_selection_has_every_mode_start_and_backbone() -> None:
    assert {start for _, start, _ in FAST} == set(STARTS)
    assert {mode for _, _, mode in FAST} == set(MODES)
    assert {backbone for backbone, _, _ in FAST} == set(BACKBONES)


def test_the_three_starts_differ_in_their_numbers_and_in_nothing_else(site: TransferSite) -> None:
    backbone = BACKBONES[1]

    definition, pretrained, checkpoint = (site.start(backbone, start) for start in STARTS)

    assert definition.layout.layout_digest == pretrained.layout.layout_digest
    assert checkpoint.layout.layout_digest == pretrained.layout.layout_digest
    digests = {one.backbone_digest for one in (definition, pretrained, checkpoint)}
    assert len(digests) == 3


def test_a_gradual_training_lets_go_step_by_step(site: TransferSite) -> None:
    """As far as its schedule came, it has changed what the mode of that phase changes."""
    model = site.start(BACKBONES[1], "pretrained")
    soon = FreezeMode(kind="gradual", steps=LAST_THEN_ALL[:1])

    one = site.run(model, FreezeMode(kind="frozen_backbone"), num_steps=1)
    two = site.run(model, soon, num_steps=2)
    three = site.run(model, MODES["gradual"](model.layout), num_steps=3)

    assert one.changed == expected_changes(model, "frozen_backbone")
    assert two.changed == expected_changes(model, "last_blocks(1)")
    assert three.changed == expected_changes(model, "gradual")
    phases = [event.phase for event in three.events if isinstance(event, PhaseStarted)]
    assert phases[-2:] == [2, 3]


def test_freezing_by_requires_grad_alone_changes_more(site: TransferSite) -> None:
    """The naive way beside ours: batch-norm statistics of the frozen backbone move."""
    model = site.start(BACKBONES[1], "pretrained")
    module = assemble(model.recipe, Path(model.backbone_path), Path(model.head_path))
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    backbone = {tensor.name for tensor in model.layout.of_role("backbone")}
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name not in backbone)
    optimizer = torch.optim.AdamW([p for p in module.parameters() if p.requires_grad])

    module.train()(torch.rand(4, 3, 32, 32)).sum().backward()
    optimizer.step()

    after = module.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed > expected_changes(model, "frozen_backbone")
    assert all("running" in name or "tracked" in name for name in changed & backbone)
