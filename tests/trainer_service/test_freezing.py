"""What the plan freezes does not move; what the plan trains does. The naive ways fail."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from catalog_service.models.freeze_plan import FreezeMode
from tests.fakes.trainings import CPU, job_spec, make_training
from trainer_service.datasets.batches import evaluation_batches
from trainer_service.errors import FrozenStateChanged, GradientMissing
from trainer_service.freezing import (
    Seal,
    enter_evaluation,
    enter_training,
    freeze,
    moving_tensors,
    recalibrate,
    require_gradients,
    tensor_digest,
)
from trainer_service.jobs import JobSpec, OptimizerSpec
from trainer_service.optimizers import named_parameters
from trainer_service.stop_switch import StopSwitch
from trainer_service.train.loop import Training, train

FULL, SCRATCH, FROZEN = (FreezeMode(kind=k) for k in ("full", "scratch", "frozen_backbone"))
NO_DECAY = OptimizerSpec(weight_decay=0.0)
LAST_ONE, LAST_TWO = (FreezeMode(kind="last_blocks", num_blocks=k) for k in (1, 2))

BACKBONES = {
    "resnet18": 32,
    "squeezenet1_1": 48,
    "shufflenet_v2_x0_5": 32,
    "mobilenet_v3_small": 48,
    "mnasnet0_5": 32,
    "efficientnet_b0": 32,
    "densenet121": 32,
    "regnet_y_400mf": 32,
    "googlenet": 32,
}
"""Small members of families with different parts (dropout, drop-path, squeeze-excitation, no batch
norm), with a side in pixels at which all of them still compute something.
"""


def state_of(model: nn.Module) -> dict[str, Tensor]:
    """Return a copy of every parameter and buffer."""
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def changed(before: dict[str, Tensor], model: nn.Module) -> set[str]:
    """Return what is not the same as before."""
    now = state_of(model)
    return {name for name, tensor in before.items() if not torch.equal(tensor, now[name])}


def prepared(spec: JobSpec, *, num_images: int = 8, side_px: int = 32) -> tuple[Training, Seal]:
    """Return a frozen and sealed training."""
    training, layout = make_training(spec, num_images=num_images, side_px=side_px)
    freeze(training.model, layout, training.plan.freeze)
    training.model.to(memory_format=torch.channels_last)
    return training, Seal(training.model, moving_tensors(layout, training.plan.freeze))


@pytest.mark.parametrize("mode", [FULL, FROZEN, LAST_ONE, LAST_TWO, SCRATCH], ids=str)
@pytest.mark.parametrize("backbone", BACKBONES)
def test_exactly_what_the_plan_trains_changes(backbone: str, mode: FreezeMode) -> None:
    training, layout = make_training(job_spec(backbone, freeze=mode), side_px=BACKBONES[backbone])
    plan = training.plan.freeze
    freeze(training.model, layout, plan)
    before = state_of(training.model)
    seal = Seal(training.model, moving_tensors(layout, plan))

    list(train(training, seal, StopSwitch()))

    assert changed(before, training.model) == moving_tensors(layout, plan)
    assert {n for n, p in training.model.named_parameters() if p.requires_grad} == set(
        plan.trainable
    )


@pytest.mark.parametrize(
    ("backbone", "mode"), [("vit_b_32", FULL), ("swin_t", FULL), ("swin_t", LAST_ONE)], ids=str
)
def test_exactly_what_the_plan_trains_changes_in_a_transformer(
    backbone: str, mode: FreezeMode
) -> None:
    """After three steps: see the next test for why one is not enough."""
    spec = job_spec(backbone, freeze=mode, batch_size=2, num_epochs=3, optimizer=NO_DECAY)
    training, seal = prepared(spec, num_images=2, side_px=224 if backbone == "vit_b_32" else 32)
    before = state_of(training.model)

    list(train(training, seal, StopSwitch()))

    assert changed(before, training.model) == set(training.plan.freeze.trainable)


def test_a_head_of_zeros_holds_back_the_first_step_of_everything_before_it() -> None:
    """torchvision's ViT begins with one: no gradient passes it until it has moved itself."""
    training, seal = prepared(
        job_spec("vit_b_32", freeze=LAST_ONE, batch_size=2, optimizer=NO_DECAY),
        num_images=2,
        side_px=224,
    )
    before = state_of(training.model)

    list(train(training, seal, StopSwitch()))

    assert changed(before, training.model) == {"heads.head.weight", "heads.head.bias"}


@pytest.mark.parametrize("mode", [FULL, FROZEN, LAST_ONE], ids=str)
@pytest.mark.parametrize("backbone", ["resnet18", "efficientnet_b0"])
def test_frozen_statistics_stand_still_wherever_weights_train(
    backbone: str, mode: FreezeMode
) -> None:
    training, seal = prepared(job_spec(backbone, freeze=mode, norm="frozen_statistics"))
    before = state_of(training.model)

    list(train(training, seal, StopSwitch()))

    assert changed(before, training.model) == set(training.plan.freeze.trainable)


@pytest.mark.parametrize("backbone", ["efficientnet_b0", "shufflenet_v2_x0_5"])
def test_a_frozen_backbone_gives_the_same_features_in_training_and_evaluation(
    backbone: str,
) -> None:
    """Drop-path and dropout would make them differ."""
    training, _ = prepared(job_spec(backbone, freeze=FROZEN))
    head = training.plan.freeze.train_modules[0]
    features: list[Tensor] = []
    module = training.model.get_submodule(head)
    module.register_forward_pre_hook(lambda _module, inputs: features.append(inputs[0].clone()))
    images = torch.rand(4, 3, 32, 32)

    enter_training(training.model, training.plan.freeze)
    training.model(images)
    enter_evaluation(training.model)
    training.model(images)

    assert torch.equal(features[0], features[1])
    assert features[0].grad_fn is None


def test_training_mode_is_the_plans_modules_and_nothing_else() -> None:
    training, _ = prepared(job_spec(freeze=LAST_ONE, norm="frozen_statistics"))
    training.model.train()

    enter_training(training.model, training.plan.freeze)

    in_training = {name for name, module in training.model.named_modules() if module.training}
    assert in_training == {
        name
        for name, module in training.model.named_modules()
        if name.startswith(("layer4", "fc")) and not isinstance(module, nn.BatchNorm2d)
    }


def naive_steps(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Train as tutorials do: `requires_grad = False`, then `model.train()`."""
    model.train()
    for _ in range(2):
        loss = cross_entropy(model(torch.rand(4, 3, 32, 32)), torch.tensor([0, 1, 2, 0]))
        optimizer.zero_grad(set_to_none=False)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def test_the_naive_way_lets_running_statistics_drift() -> None:
    """requires_grad=False does not stop running means, and the seal says so."""
    training, seal = prepared(job_spec(freeze=FROZEN))
    head = [p for p in training.model.parameters() if p.requires_grad]

    naive_steps(training.model, torch.optim.AdamW(head))

    with pytest.raises(FrozenStateChanged, match=r"bn1\.running_mean, .* and \d+ more"):
        seal.check(training.model, when="the end of epoch 1")


def test_the_naive_way_lets_an_optimizer_move_frozen_weights() -> None:
    """AdamW with a gradient from before the freeze goes on moving the weight."""
    training, _ = prepared(job_spec(freeze=FULL, norm="frozen_statistics"))
    model = training.model
    optimizer = torch.optim.AdamW(model.parameters())
    naive_steps(model, optimizer)
    weight = model.get_parameter("conv1.weight")
    weight.requires_grad_(False)
    before = weight.detach().clone()

    naive_steps(model, optimizer)

    assert not torch.equal(weight, before)


@pytest.mark.parametrize("name", ["layer1.0.conv1.weight", "bn1.running_var"])
def test_a_changed_tensor_fails_the_job_and_is_named(name: str) -> None:
    training, seal = prepared(job_spec(freeze=FROZEN, num_epochs=2))
    tensors = {**dict(training.model.named_parameters()), **dict(training.model.named_buffers())}

    with (
        pytest.raises(FrozenStateChanged, match=f"1 of .* by the end of epoch 1: {name};"),
        torch.no_grad(),
    ):
        for event in train_with_gradients(training, seal):
            if event == "validation":
                tensors[name].add_(1e-3)


def train_with_gradients(training: Training, seal: Seal) -> Iterator[str]:
    """Yield the kind of every epoch event; gradients stay on inside, whatever the caller does."""
    events = train(training, seal, StopSwitch())
    while True:
        with torch.enable_grad():
            event = next(events, None)
        if event is None:
            return
        yield str(getattr(event, "split", "step"))


def test_a_trainable_parameter_without_gradient_is_named() -> None:
    training, _ = prepared(job_spec(freeze=LAST_ONE))
    plan = training.plan.freeze
    for name, parameter in training.model.named_parameters():
        if name in plan.trainable and name != "layer4.0.conv1.weight":
            parameter.grad = torch.zeros_like(parameter)

    with pytest.raises(GradientMissing, match=r"1 parameters .*: layer4\.0\.conv1\.weight$"):
        require_gradients(named_parameters(training.model), plan.trainable)


def test_nothing_is_remembered_for_gradients_in_the_frozen_prefix() -> None:
    training, _ = prepared(job_spec(freeze=LAST_ONE))
    outputs: dict[str, Tensor] = {}
    for name in ("layer3", "layer4"):
        training.model.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, name=name: outputs.update({name: output})
        )
    enter_training(training.model, training.plan.freeze)

    training.model(torch.rand(2, 3, 32, 32, requires_grad=True))

    assert outputs["layer3"].grad_fn is None  # even where the images ask for a gradient
    assert outputs["layer4"].grad_fn is not None


def test_recalibration_sets_statistics_to_those_of_the_images() -> None:
    training, layout = make_training(job_spec(freeze=FROZEN, norm="recalibrate"), num_images=70)
    batches = [
        b.images
        for b in evaluation_batches(training.batches.dataset.train, training.plan.input, CPU)  # type: ignore[attr-defined]
    ]
    with torch.no_grad():
        maps = [training.model.get_submodule("conv1")(images) for images in batches]

    recalibrate(training.model, layout, batches)

    norm = training.model.get_submodule("bn1")
    assert [len(each) for each in maps] == [64, 6]
    expected = torch.cat(maps).mean(dim=(0, 2, 3))
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    # The sums are taken in another order.
    assert torch.allclose(norm.running_mean, expected, rtol=1e-4, atol=1e-5)
    assert norm.momentum == 0.1
    assert not any(module.training for module in training.model.modules())


def test_digests_are_of_numbers_not_of_memory() -> None:
    tensor = torch.rand(2, 3, 4, 5)

    assert tensor_digest(tensor) == tensor_digest(tensor.to(memory_format=torch.channels_last))
    assert tensor_digest(tensor) != tensor_digest(tensor + 1e-6)
    assert tensor_digest(torch.tensor(3)) != tensor_digest(torch.tensor(4))


class Clock:
    """Time passes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        """Return the seconds; a look at everything takes one."""
        self.now += 1.0
        return self.now


def test_a_glance_sees_what_torch_wrote_and_everything_when_that_is_due() -> None:
    """Reading all bytes takes one second on this clock, and may take one in fifty."""
    training, _ = prepared(job_spec("shufflenet_v2_x0_5", freeze=FROZEN))
    clock = Clock()
    seal = Seal(training.model, frozenset(training.plan.freeze.trainable), clock=clock)
    weight = training.model.get_parameter("conv1.0.weight")

    seal.glance(training.model, when="now")
    weight.data.add_(1e-3)  # behind torch's back
    seal.glance(training.model, when="the end of epoch 1")
    clock.now += 60

    with pytest.raises(FrozenStateChanged, match="by the end of epoch 2: conv1"):
        seal.glance(training.model, when="the end of epoch 2")


def test_a_glance_forgives_a_write_that_changed_nothing() -> None:
    training, _ = prepared(job_spec("shufflenet_v2_x0_5", freeze=FROZEN))
    seal = Seal(training.model, frozenset(training.plan.freeze.trainable), clock=Clock())
    weight = training.model.get_parameter("conv1.0.weight")

    with torch.no_grad():
        weight.mul_(1.0)
        seal.glance(training.model, when="now")
        weight.add_(1e-3)

    with pytest.raises(FrozenStateChanged, match=r"1 of .* conv1\.0\.weight"):
        seal.glance(training.model, when="now")


def test_what_was_frozen_first_may_train_later() -> None:
    """The prefix runs without gradients only as long as the plan says so."""
    training, layout = make_training(job_spec(freeze=FROZEN))
    full, _ = make_training(job_spec(freeze=FULL))

    freeze(training.model, layout, training.plan.freeze)
    freeze(training.model, layout, full.plan.freeze)

    training.model(torch.rand(2, 3, 32, 32)).sum().backward()
    assert all(each.grad is not None for each in training.model.parameters())


def kept_for_gradients(model: nn.Module, images: Tensor) -> int:
    """Return how many bytes a forward pass keeps for the way back."""
    kept: dict[int, int] = {}

    def count(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, nn.Parameter):
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        outputs = model(images)
    del outputs
    return sum(kept.values())


def test_a_frozen_prefix_keeps_nothing_for_gradients_and_the_naive_way_half_of_everything() -> None:
    """Naive: only the head is given to the optimizer, everything goes on asking for gradients."""
    training, _ = prepared(job_spec(freeze=LAST_ONE))
    naive, _ = make_training(job_spec(freeze=LAST_ONE))
    images = torch.rand(4, 3, 64, 64)
    enter_training(training.model, training.plan.freeze)
    naive.model.train()

    ours, theirs = (kept_for_gradients(each.model, images) for each in (training, naive))

    assert 0 < ours * 2 <= theirs
