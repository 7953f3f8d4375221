"""Images with objects: what is there, and what the model found, as boxes, masks and keypoints."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from PIL import Image
from torch import Tensor
from torchvision.ops import box_iou

from catalog_service.errors import listed
from trainer_service.datasets.batch import ObjectTargets
from trainer_service.jobs import TrainPlan
from trainer_service.sample_pictures.colors import legend_of
from trainer_service.sample_pictures.marks import Mark, marked
from trainer_service.sample_pictures.panels import fitted, panel_size
from trainer_service.sample_pictures.shown import Answer, Panels, Seen, Told, class_word
from trainer_service.tasks.detection import class_names, to_learn_from
from trainer_service.tasks.task import Outputs

SURE = 0.5
"""Scores from here on are what people take for found."""
MOST = 20
MOST_UNSURE = 3
"""Shown where nothing is sure: a detector that has just begun to learn."""
OVERLAPS = 0.5
"""IoU from which on a box is where the object is. Source: PASCAL VOC, as COCO's AP50."""
LONGEST_PX = 384
"""Labels of boxes need room."""
FIRST_LABEL = 1


class Objects:
    """Objects with boxes, and with masks or keypoints where the task has them."""

    def __init__(self, plan: TrainPlan) -> None:
        self._names = class_names(plan)
        rule = plan.output.detection
        self._mask_from = rule.mask_threshold if rule and rule.mask_threshold else SURE

    def truths(self, targets: object) -> Sequence[Answer]:
        """Return the objects without crowds."""
        assert isinstance(targets, list)
        return [to_learn_from(each) for each in targets]

    def answers(self, outputs: Outputs) -> Sequence[Answer]:
        """Return what a model is sure of, or the little that comes next to that."""
        return [self._shown(each) for each in outputs]

    def _shown(self, found: ObjectTargets) -> ObjectTargets:
        order = found["scores"].argsort(descending=True)
        num_sure = int((found["scores"] >= SURE).sum())
        best = order[: min(num_sure, MOST) if num_sure else MOST_UNSURE]
        kept: ObjectTargets = {
            name: found[name][best].detach().cpu()
            for name in ("boxes", "labels", "scores", "masks", "keypoints")
            if name in found
        }
        if "masks" in kept:
            kept["masks"] = kept["masks"][:, 0] >= self._mask_from  # [N, H, W]
        return kept

    def told(self, seen: Seen) -> Told:
        """Return `2 car, 1 person` and `car 0.98, car 0.71, person 0.66`."""
        true, found = _objects(seen.truth), _objects(seen.answer)
        counts = Counter(self._word(label) for label in true["labels"].tolist())
        return Told(
            truth=listed([f"{number} {word}" for word, number in counts.most_common()])
            or "nothing",
            prediction=self._found_words(found),
            badness=_wrong_share(true, found),
            legend=legend_of(
                self._names,
                [
                    label - FIRST_LABEL
                    for label in (*true["labels"].tolist(), *found["labels"].tolist())
                ],
            ),
        )

    def panels(self, seen: Seen) -> Panels:
        """Return the image with what is there, and with what was found."""
        size = panel_size(seen.pixels, LONGEST_PX)
        plain = fitted(seen.pixels, size)
        scale = size[0] / seen.pixels.shape[1], size[1] / seen.pixels.shape[0]
        return {
            "truth": self._marked(plain, _objects(seen.truth), scale),
            "prediction": self._marked(plain, _objects(seen.answer), scale),
        }

    def _marked(
        self, plain: Image.Image, objects: ObjectTargets, scale: tuple[float, float]
    ) -> Image.Image:
        """Return the image with marks, the best one uppermost."""
        marks = [self._mark(objects, number, scale) for number in range(len(objects["labels"]))]
        return marked(plain, marks[::-1])

    def _mark(self, objects: ObjectTargets, number: int, scale: tuple[float, float]) -> Mark:
        label = int(objects["labels"][number])
        scores, masks = objects.get("scores"), objects.get("masks")
        points = objects.get("keypoints")
        left, top, right, bottom = objects["boxes"][number].tolist()
        across, down = scale
        return Mark(
            index=label - FIRST_LABEL,
            label=self._word(label)
            + (f" {float(scores[number]):.2f}" if scores is not None else ""),
            box=(left * across, top * down, right * across, bottom * down),
            is_sure=scores is None or float(scores[number]) >= SURE,
            mask=None if masks is None else masks[number].numpy().astype(np.uint8) * 255,
            points=()
            if points is None
            else tuple(
                (x * across, y * down) for x, y, seen in points[number].tolist() if seen > 0
            ),
        )

    def _found_words(self, found: ObjectTargets) -> str:
        pairs = zip(found["labels"].tolist(), found["scores"].tolist(), strict=True)
        words = [f"{self._word(label)} {score:.2f}" for label, score in pairs]
        unsure = bool(words) and float(found["scores"][0]) < SURE
        return (f"nothing above {SURE}; best " if unsure else "") + listed(words) or "nothing"

    def _word(self, label: int) -> str:
        return class_word(self._names, label - FIRST_LABEL)


def _objects(answer: Answer) -> ObjectTargets:
    assert isinstance(answer, dict)
    return answer


def _wrong_share(true: ObjectTargets, found: ObjectTargets) -> float:
    """Return how many of all objects, true and found ones, have no counterpart."""
    sure = found["scores"] >= SURE
    boxes, labels = found["boxes"][sure], found["labels"][sure]
    num_all = len(true["labels"]) + len(labels)
    if not num_all:
        return 0.0
    fits = (box_iou(true["boxes"], boxes) >= OVERLAPS) & (true["labels"][:, None] == labels)
    return (num_all - 2 * _num_pairs(fits)) / num_all


def _num_pairs(fits: Tensor) -> int:
    """Return how many true objects, [N, M], are found; each finding is of one, the best first."""
    free = [True] * fits.shape[0]
    for found in range(fits.shape[1]):
        at = next((at for at, is_free in enumerate(free) if is_free and fits[at, found]), None)
        if at is not None:
            free[at] = False
    return free.count(False)
