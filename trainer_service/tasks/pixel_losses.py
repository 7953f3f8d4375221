"""Losses of logits and masks. Pixels of the ignored value count for nothing, in all of them.

A mean over pixels adds up over micro-batches by the pixels that count. Dice is no mean over pixels:
it is taken of each image, and where it joins another loss that one is taken of each image too, so
that the sum is a mean over images.
"""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

from trainer_service.jobs import LossSpec
from trainer_service.tasks.weighed import Weighed, weights_of

DICE_PIXEL = 1.0
"""Added to both sides of Dice's fraction: a class that is neither in the mask nor predicted is a
full match, not 0 of 0. Source: Milletari et al. 2016, arXiv:1606.04797, as implementations smooth
it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """A batch's masks, ready for any loss."""

    classes: Tensor
    """[B, H, W] int64; 0 where nothing is counted."""
    counted: Tensor
    """[B, H, W] bool."""

    @classmethod
    def of(cls, targets: Tensor, ignore_index: int) -> "Mask":
        """Return the masks of class indices, [B, H, W]."""
        counted = targets != ignore_index
        return cls(classes=torch.where(counted, targets, 0), counted=counted)

    def truth(self, num_classes: int) -> Tensor:
        """Return 1 at each pixel's own class, [B, C, H, W] float32."""
        return one_hot(self.classes, num_classes).movedim(-1, 1).float()


def pixel_cross_entropy(
    logits: Tensor, mask: Mask, loss: LossSpec, class_weights: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return losses and their weights, [B, H, W]: a pixel weighs what its class does."""
    losses = cross_entropy(
        logits,
        mask.classes,
        weight=class_weights,
        label_smoothing=loss.label_smoothing,
        reduction="none",
    )
    return losses * mask.counted, weights_of(mask.classes, class_weights) * mask.counted


def pixel_binary_cross_entropy(
    logits: Tensor, mask: Mask, loss: LossSpec, class_weights: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return losses, the mean over classes, and weights, [B, H, W]: a pixel weighs 1."""
    weights = None if class_weights is None else class_weights[:, None, None]
    losses = binary_cross_entropy_with_logits(
        logits, mask.truth(logits.shape[1]), pos_weight=weights, reduction="none"
    )
    return losses.mean(1) * mask.counted, mask.counted.float()


def image_dice(probabilities: Tensor, mask: Mask) -> Tensor:
    """Return soft Dice of each image, [B]: 1 - 2 |A and B| / (|A| + |B|), the mean over classes."""
    counted = mask.counted[:, None]
    truth = mask.truth(probabilities.shape[1]) * counted
    probabilities = probabilities * counted
    both = (probabilities * truth).sum((2, 3))
    either = probabilities.sum((2, 3)) + truth.sum((2, 3))
    return 1 - ((2 * both + DICE_PIXEL) / (either + DICE_PIXEL)).mean(1)


PixelTerm = Callable[[Tensor, Mask, LossSpec, Tensor | None], tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True)
class PixelLoss:
    """A loss of masks, as the sum of its terms."""

    of_pixels: PixelTerm | None
    _: KW_ONLY
    has_dice: bool
    is_exclusive: bool
    """Whether Dice takes a softmax over the classes; otherwise each class has its own sigmoid."""

    def __call__(
        self, logits: Tensor, mask: Mask, loss: LossSpec, class_weights: Tensor | None
    ) -> Weighed:
        """Return the loss of logits [B, C, H, W]."""
        if self.of_pixels is None:
            return self._over_images(0.0, logits, mask)
        losses, weights = self.of_pixels(logits, mask, loss, class_weights)
        if not self.has_dice:
            return Weighed(total=losses.sum(), weight=weights.sum())
        of_images = Weighed(total=losses.sum((1, 2)), weight=weights.sum((1, 2)))
        return self._over_images(of_images.mean, logits, mask)

    def weight(self, mask: Mask, class_weights: Tensor | None) -> Tensor:
        """Return what the loss is a mean over."""
        if self.has_dice:
            return _images_that_count(mask).sum()
        if self.of_pixels is pixel_cross_entropy:
            return (weights_of(mask.classes, class_weights) * mask.counted).sum()
        return mask.counted.float().sum()

    def _over_images(self, of_images: Tensor | float, logits: Tensor, mask: Mask) -> Weighed:
        """Return the mean over the images of which some pixel counts, with Dice added."""
        probabilities = logits.softmax(1) if self.is_exclusive else logits.sigmoid()
        counted = _images_that_count(mask)
        losses = (of_images + image_dice(probabilities, mask)) * counted
        return Weighed(total=losses.sum(), weight=counted.sum())


def _images_that_count(mask: Mask) -> Tensor:
    """Return 1 for each image of which some pixel counts, [B] float32."""
    return mask.counted.flatten(1).any(1).float()


PIXEL_LOSSES: Mapping[str, PixelLoss] = {
    "cross_entropy": PixelLoss(pixel_cross_entropy, has_dice=False, is_exclusive=True),
    "bce": PixelLoss(pixel_binary_cross_entropy, has_dice=False, is_exclusive=False),
    "dice": PixelLoss(None, has_dice=True, is_exclusive=True),
    "bce_dice": PixelLoss(pixel_binary_cross_entropy, has_dice=True, is_exclusive=False),
    "cross_entropy_dice": PixelLoss(pixel_cross_entropy, has_dice=True, is_exclusive=True),
}
"""By the loss's kind."""


def pixel_loss(kind: str, *, is_multilabel: bool) -> PixelLoss:
    """Return the loss of this kind; where a pixel may be of several classes to the model, Dice
    takes each of them for itself.
    """
    loss = PIXEL_LOSSES[kind]
    return replace(loss, is_exclusive=False) if is_multilabel else loss
