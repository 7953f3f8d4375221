"""A frozen model, a data set of noise, and a bare loop over whatever it is given. Imports torch."""

import hashlib
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from catalog_service.models.contracts import InputContract
from catalog_service.models.describe import layout_of
from catalog_service.models.freeze_plan import FreezeMode, FreezePlan, freeze_plan
from catalog_service.models.layout import StateLayout
from catalog_service.models.recipe import Recipe
from tests.fakes.job_models import input_contract, random_module, recipe_of
from trainer_service.datasets.batch import Batches
from trainer_service.datasets.batches import ImageBatches, TrainingOrder, as_input
from trainer_service.datasets.images import KeptImages
from trainer_service.datasets.read import Dataset
from trainer_service.features.caching import Caching
from trainer_service.features.cut import enter_modes
from trainer_service.freezing import freeze, recalibrate
from trainer_service.jobs import AugmentationStep, FeatureCachePlan

CPU = torch.device("cpu")
NUM_CLASSES = 3

Source = tuple[nn.Module, Batches]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A model that is partly frozen."""

    model: nn.Module
    layout: StateLayout
    plan: FreezePlan


def frozen(
    architecture_id: str | Recipe,
    mode: FreezeMode,
    *,
    norm: str = "",
    side_px: int = 32,
) -> Frozen:
    """Return a random model, frozen so; its batch norms fit noise."""
    torch.set_num_threads(1)
    recipe = architecture_id
    if isinstance(recipe, str):
        recipe = recipe_of(recipe, NUM_CLASSES)
    model = random_module(recipe)
    layout = layout_of(model, recipe)
    batch = as_input(noise(8, side_px=side_px).kept, input_contract(side_px))
    recalibrate(model, layout, [batch])
    plan = freeze_plan(layout, mode, norm)
    freeze(model, layout, plan)
    model.to(memory_format=torch.channels_last)
    return Frozen(model=model, layout=layout, plan=plan)


def noise(count: int, *, side_px: int = 32, seed: int = 0) -> KeptImages:
    """Return images of noise of three classes."""
    random = torch.Generator().manual_seed(seed)
    shape = (count, side_px, side_px, 3)
    return KeptImages(
        labels=torch.arange(count) % NUM_CLASSES,
        kept=torch.randint(0, 256, shape, dtype=torch.uint8, generator=random),
    )


def image_batches(
    train: KeptImages,
    *,
    batch_size: int = 4,
    augmentation: tuple[AugmentationStep, ...] = (),
    masks: bool = False,
) -> ImageBatches:
    """Return batches of these images, and of five for validation; with masks instead of labels."""
    side_px = train.kept.shape[1]
    validation = noise(5, side_px=side_px, seed=1)
    if masks:
        train, validation = _masked(train), _masked(validation)
    dataset = Dataset(
        class_names=("a", "b", "c"),
        train=train,
        validation=validation,
        fingerprint="sha256:noise",
        digests=(_digests(train), _digests(validation)),
    )
    order = TrainingOrder(
        batch_size=batch_size,
        num_steps=-(-len(train) // batch_size),
        seed=3,
        augmentation=augmentation,
    )
    contract: InputContract = input_contract(side_px)
    return ImageBatches(dataset=dataset, order=order, contract=contract, device=CPU)


def _masked(images: KeptImages) -> KeptImages:
    random = torch.Generator().manual_seed(2)
    shape = images.kept.shape[:3]
    masks = torch.randint(0, NUM_CLASSES, shape, dtype=torch.uint8, generator=random)
    return replace(images, labels=masks)


def _digests(images: KeptImages) -> tuple[str, ...]:
    return tuple(hashlib.sha256(each.numpy().data).hexdigest() for each in images.kept)


def caching(*, num_views: int = 1, batch_size: int = 4, **others: object) -> Caching:
    """Return what a job says; what is said to it is thrown away unless `say` is given."""
    plan = FeatureCachePlan(is_used=True, num_views=num_views)
    return replace(
        Caching(plan=plan, batch_size=batch_size, identity="tiny", free_bytes=10**9),
        **others,  # type: ignore[arg-type]
    )


def trained(source: Source, plan: FreezePlan, *, num_epochs: int = 3) -> list[float]:
    """Train with a bare loop; return the validation losses, before it and after every epoch."""
    network, batches = source
    parameters = dict(network.named_parameters())
    optimizer = torch.optim.AdamW([parameters[name] for name in plan.trainable], lr=1e-3)
    losses = [validated(source)]
    for epoch in range(1, num_epochs + 1):
        torch.manual_seed(epoch)
        enter_modes(network, plan)
        for batch in batches.training(epoch):
            optimizer.zero_grad(set_to_none=True)
            loss_of(network(batch.images), batch.targets).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        losses.append(validated(source))
    return losses


@torch.no_grad()
def validated(source: Source) -> float:
    """Return the mean loss of the validation batches."""
    network, batches = source
    network.eval()
    losses = [
        float(loss_of(network(batch.images), batch.targets)) for batch in batches.validation()
    ]
    return sum(losses) / len(losses)


def loss_of(outputs: object, targets: object) -> Tensor:
    """Return the cross-entropy of class scores, of images or of pixels."""
    assert isinstance(targets, Tensor)
    scores = outputs["out"] if isinstance(outputs, dict) else outputs
    assert isinstance(scores, Tensor)
    return cross_entropy(scores, targets)


def state_of(model: nn.Module) -> dict[str, Tensor]:
    """Return a copy of all tensors."""
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def differing(one: dict[str, Tensor], other: dict[str, Tensor]) -> list[str]:
    """Return the names of tensors that are not the same to the last bit."""
    assert one.keys() == other.keys()
    return [name for name in one if not torch.equal(one[name], other[name])]
