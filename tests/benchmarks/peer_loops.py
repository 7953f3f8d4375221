"""Training loops of other libraries, on the same folders and with the same numbers."""

from importlib.util import find_spec

import timm.optim
import timm.utils
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from tests.benchmarks.trainings import Peer, Size, folder_loaders
from trainer_service.jobs import WorkOrder


def timm_loop(model: nn.Module, order: WorkOrder, size: Size) -> None:
    """Train as timm's train.py does in 32 bits on a CPU, without its progress lines.

    Source: timm's train.py, train_one_epoch and validate.
    """
    train, validation = folder_loaders(order, size)
    optimizer = timm.optim.create_optimizer_v2(model, opt="adamw", lr=1e-3, weight_decay=0.01)
    criterion = nn.CrossEntropyLoss()
    for _ in range(size.num_epochs):
        model.train()
        losses = timm.utils.AverageMeter()
        optimizer.zero_grad()
        for images, labels in train:
            loss = criterion(model(images), labels)
            loss.backward()
            timm.utils.dispatch_clip_grad(model.parameters(), value=0.0, mode="value")
            optimizer.step()
            optimizer.zero_grad()
            losses.update(loss.item(), len(images))
        model.eval()
        with torch.no_grad():
            for images, labels in validation:
                outputs = model(images)
                losses.update(criterion(outputs, labels).item(), len(images))
                timm.utils.accuracy(outputs, labels, topk=(1,))


def lightning_loop(model: nn.Module, order: WorkOrder, size: Size) -> None:
    """Train with Lightning's Trainer, without its checkpoints, logs and progress bar."""
    import pytorch_lightning as lightning

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
            loss = cross_entropy(self.model(batch[0]), batch[1])
            self.log("loss", loss)
            return loss

        def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
            self.log("validation_loss", cross_entropy(self.model(batch[0]), batch[1]))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(self.model.parameters())

    trainer = lightning.Trainer(
        max_epochs=size.num_epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(Module(), *folder_loaders(order, size))


def peers() -> list[Peer]:
    """Return those that are installed: Lightning is not among our own libraries."""
    found = [
        Peer(
            name="timm's loop",
            command="timm's train.py, fp32: create_optimizer_v2('adamw'); loss.backward(); step()",
            loop=timm_loop,
        )
    ]
    if find_spec("pytorch_lightning"):
        command = "Trainer(logger=False, enable_checkpointing=False).fit(module, train, validation)"
        found.append(Peer(name="Lightning", command=command, loop=lightning_loop))
    return found
