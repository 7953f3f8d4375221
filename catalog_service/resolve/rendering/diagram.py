"""What a drawing of a model shows: boxes from image to output, and what flows between. Pure.

Equal neighbours of a backbone are folded into one box, so that a transformer of 40 layers is a
picture and not a list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from catalog_service.models.model_description import PartSummary, Shape
from catalog_service.resolve.description import DescribedModel
from catalog_service.resolve.rendering.inner_parts import inner_lines, only_class
from catalog_service.resolve.rendering.taps import Taps, taps_of
from catalog_service.resolve.rendering.words import (
    TIMES,
    bytes_text,
    count_text,
    plural,
    shape_text,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One box of a drawing."""

    kind: str
    """`image`, `backbone`, `neck`, `head`, `aux` or `output`: its column and its colour."""

    name: str
    lines: tuple[str, ...]
    """Below the name: shape, counts, what is inside."""

    state: str = ""
    """`frozen`, `trains`, `partly trains`; empty where there is nothing to train."""

    share: float = 0.0
    """Of all parameters, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Something flows from one box to another; both by their place in `Diagram.boxes`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """A drawing as values."""

    title: str
    subtitles: tuple[str, ...]
    boxes: tuple[Box, ...]
    """From the image to the output."""

    edges: tuple[Edge, ...]


def diagram_of(described: DescribedModel) -> Diagram:
    """Return what a drawing of a described model shows."""
    model, plan = described.model, described.plan
    stages = [part for part in model.parts if part.role == "backbone"]
    others = [part for part in model.parts if part.role != "backbone"]
    taps = taps_of(model, plan.recipe)
    folded = _folded(stages, taps)
    backbone = [_stage_box(group, model.num_parameters) for group in folded]
    rest = [_part_box(part, described) for part in others]
    boxes = (_image_box(described), *backbone, *rest, _output_box(described))
    return Diagram(
        title=_title(described),
        subtitles=_subtitles(described),
        boxes=boxes,
        edges=_edges(boxes, folded, taps),
    )


def _title(described: DescribedModel) -> str:
    spec = described.plan.spec
    task = spec.task.kind.replace("_", " ") if spec.task else "as published"
    neck = (described.plan.recipe.neck or {}).get("kind", "")
    words = (spec.architecture_id, str(neck).replace("_", " "), task)
    return " · ".join(word for word in words if word)


def _subtitles(described: DescribedModel) -> tuple[str, ...]:
    model = described.model
    memory = model.training_memory
    return (
        f"{plural(model.num_parameters, 'parameter')}: "
        f"{count_text(model.num_trainable_parameters)} train, "
        f"{count_text(model.num_frozen_parameters)} frozen ({model.freeze_mode})",
        f"{count_text(model.num_multiply_adds)} multiply-adds at "
        f"{described.height_px}{TIMES}{described.width_px} px; training takes about "
        f"{bytes_text(memory.total_bytes)} with {plural(memory.batch_size, 'image')} per step",
    )


def _image_box(described: DescribedModel) -> Box:
    size = described.plan.input
    frames: tuple[int, ...] = (size.num_frames,) if size.num_frames else ()
    shape = (1, size.num_channels, *frames, described.height_px, described.width_px)
    return Box(kind="image", name="clip" if frames else "image", lines=(shape_text(shape),))


def _output_box(described: DescribedModel) -> Box:
    output = described.plan.output
    lines = [f"{each.name} {_without_batch(each.shape)}".strip() for each in output.tensors]
    if not lines and output.shape:
        lines = [_without_batch(output.shape)]
    if output.activation != "none":
        lines.append(f"then {output.activation}")
    return Box(kind="output", name=output.kind.replace("_", " "), lines=tuple(lines))


def _without_batch(shape: Shape) -> str:
    return shape_text((1, *shape))


def _stage_box(group: Sequence[PartSummary], total: int) -> Box:
    """Return one box for a stage, or for equal stages that follow one another."""
    first, last, count = group[0], group[-1], len(group)
    size = sum(_size(part) for part in group)
    work = sum(part.num_multiply_adds for part in group)
    repeated = f"{count} equal stages, each {count_text(_size(first))}"
    return Box(
        kind="backbone",
        name=first.name if count == 1 else f"{first.name} to {last.name}",
        lines=(
            shape_text(last.output),
            _counts(size, work),
            *((repeated,) if count > 1 else ()),
        ),
        state=_state(group),
        share=size / max(1, total),
    )


def _part_box(part: PartSummary, described: DescribedModel) -> Box:
    model = described.model
    return Box(
        kind=part.role,
        name=_part_name(part, described),
        lines=(
            *((shape_text(part.output),) if part.output else ()),
            _counts(_size(part), part.num_multiply_adds),
            *inner_lines(model.modules, part.role),
        ),
        state=_state([part]),
        share=_size(part) / max(1, model.num_parameters),
    )


def _part_name(part: PartSummary, described: DescribedModel) -> str:
    """Return what the recipe calls a part, else its class, else its role."""
    recipe = described.plan.recipe
    if part.role == "aux":
        return "auxiliary heads"
    chosen = (recipe.neck if part.role == "neck" else recipe.head) or {}
    kind = str(chosen.get("kind", "")).replace("_", " ")
    return kind or only_class(described.model.modules, part.role) or part.role


def _counts(size: int, work: int) -> str:
    return f"{plural(size, 'parameter')}, {count_text(work)} mult-adds"


def _size(part: PartSummary) -> int:
    return part.num_trainable_parameters + part.num_frozen_parameters


def _state(parts: Sequence[PartSummary]) -> str:
    trains = any(part.num_trainable_parameters for part in parts)
    rests = any(part.num_frozen_parameters for part in parts)
    return {(True, True): "partly trains", (True, False): "trains", (False, True): "frozen"}.get(
        (trains, rests), ""
    )


def _folded(stages: Sequence[PartSummary], taps: Taps) -> list[list[PartSummary]]:
    """Return stages in groups of equal neighbours; one that is tapped on the way stands alone."""
    tapped_on_the_way = taps.names - {stages[-1].name} if stages else frozenset()

    def likeness(part: PartSummary) -> tuple[object, ...]:
        tapped = part.name if part.name in tapped_on_the_way else ""
        counts = (part.num_trainable_parameters, part.num_frozen_parameters)
        return (*counts, part.num_multiply_adds, part.output, tapped)

    return [list(group) for _, group in groupby(stages, key=likeness)]


def _edges(
    boxes: Sequence[Box], folded: Sequence[Sequence[PartSummary]], taps: Taps
) -> tuple[Edge, ...]:
    """Return what flows: down the backbone, from its taps to neck, head and auxiliary heads."""
    kinds = {box.kind: at for at, box in enumerate(boxes)}
    at_stage = {part.name: 1 + at for at, group in enumerate(folded) for part in group}
    flow = [Edge(start=at, end=at + 1) for at in range(len(folded))]
    for kind, names in taps.by_kind.items():
        if kind in kinds:
            flow += [Edge(start=at_stage[name], end=kinds[kind]) for name in names]
    if "neck" in kinds and "head" in kinds:
        flow.append(Edge(start=kinds["neck"], end=kinds["head"]))
    last = "head" if "head" in kinds else "neck" if "neck" in kinds else "backbone"
    flow.append(Edge(start=kinds[last], end=kinds["output"]))
    return tuple(dict.fromkeys(flow))
