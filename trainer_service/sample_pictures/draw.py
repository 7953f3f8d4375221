"""From a model that has learned to pictures of what it makes of a few images, in numbered steps."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import torch

from trainer_service.datasets.batch import Positions
from trainer_service.datasets.images import Loaded
from trainer_service.jobs import PredictionSample, TrainPlan
from trainer_service.sample_pictures.choosing import NUM_SHOWN, Candidate, chosen
from trainer_service.sample_pictures.panels import GAP_PX, side_by_side
from trainer_service.sample_pictures.shown import Seen, Showing
from trainer_service.tasks.task import Outputs

SHOWINGS: Mapping[str, str] = {
    "classification": "trainer_service.sample_pictures.labelled:OneClass",
    "multilabel": "trainer_service.sample_pictures.labelled:ManyClasses",
    "regression": "trainer_service.sample_pictures.labelled:Values",
    "segmentation": "trainer_service.sample_pictures.masks:ClassMaps",
    "detection": "trainer_service.sample_pictures.objects:Objects",
    "instance_segmentation": "trainer_service.sample_pictures.objects:Objects",
    "keypoints": "trainer_service.sample_pictures.objects:Objects",
}
"""By the plan's task; one that predicts nothing is not here. Only what a job needs is imported."""

NUM_AT_ONCE = 8
"""Images that go through the model together: fewer than in training, so there is memory."""
NUM_LISTED_AT_ONCE = 2
"""Of a detector, which enlarges them."""

LARGE_NUM_PARAMETERS = 100_000_000
"""From here on, as for detectors, no more images are looked at than are shown: each one costs."""

NAME = "sample-{}.png"


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Images that could be read, and what the model gave for them."""

    loaded: Loaded
    outputs: Outputs


Look = Callable[[Positions], Looked]
"""Shows the model some validation images, by position."""


def draw_samples(
    folder: Path, plan: TrainPlan, examples: Mapping[int, str], look: Look
) -> Mapping[Path, PredictionSample]:
    """Write the pictures, in place of an earlier attempt's, and return what each one shows; none
    where the task predicts nothing.

    Args:
        examples: validation images, by lot: position -> what it is called.

    Raises:
        OSError: the disk is full or gone.
        DataInvalid: more images cannot be read any more than may be.
    """
    for old in folder.glob(NAME.format("*")):
        old.unlink()
    if plan.task not in SHOWINGS:
        return {}
    showing: Showing = resolve_name(SHOWINGS[plan.task])(plan)
    # 1. What the model makes of some images
    candidates = [
        Candidate(seen=seen, told=showing.told(seen))
        for positions in _in_parts(plan, examples)
        for seen in _seen(showing, look(positions))
    ]
    # 2. A few of them, drawn
    return {
        folder / NAME.format(number): _drawn(
            folder / NAME.format(number), showing, each, examples[each.seen.position]
        )
        for number, each in enumerate(chosen(candidates), start=1)
    }


def _in_parts(plan: TrainPlan, examples: Mapping[int, str]) -> Iterator[Positions]:
    num_parameters = plan.freeze.num_trainable_parameters + plan.freeze.num_frozen_parameters
    is_slow = plan.input.is_image_list or num_parameters >= LARGE_NUM_PARAMETERS
    order = np.array(list(examples)[: NUM_SHOWN if is_slow else None], dtype=np.int64)
    size = NUM_LISTED_AT_ONCE if plan.input.is_image_list else NUM_AT_ONCE
    return (order[start : start + size] for start in range(0, len(order), size))


@torch.no_grad()
def _seen(showing: Showing, looked: Looked) -> list[Seen]:
    loaded = looked.loaded
    return [
        Seen(position=int(position), pixels=pixels.numpy(), truth=truth, answer=answer)
        for position, pixels, truth, answer in zip(
            loaded.positions,
            loaded.pixels,
            showing.truths(loaded.targets),
            showing.answers(looked.outputs),
            strict=True,
        )
    ]


def _drawn(path: Path, showing: Showing, candidate: Candidate, name: str) -> PredictionSample:
    panels = showing.panels(candidate.seen)
    picture = side_by_side(panels)
    picture.save(path, format="PNG")
    told = candidate.told
    return PredictionSample(
        image=name,
        truth=told.truth,
        prediction=told.prediction,
        is_right=told.is_right,
        is_among_worst=candidate.is_among_worst,
        panels=tuple(panels),
        gap_px=GAP_PX if len(panels) > 1 else 0,
        width_px=picture.width,
        height_px=picture.height,
        legend=told.legend,
    )
