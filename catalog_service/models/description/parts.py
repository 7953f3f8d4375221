"""Stages, neck, head and auxiliary heads, summed up from the module rows. Pure, no torch."""

from collections.abc import Mapping, Sequence

from catalog_service.models.anatomy import Anatomy
from catalog_service.models.freeze_plan import FreezePlan, PlanRow
from catalog_service.models.model_description import ModuleInfo, PartSummary, Shape


def part_summaries(
    parts: Anatomy, plan: FreezePlan, modules: Sequence[ModuleInfo]
) -> tuple[PartSummary, ...]:
    """Return a row for each freeze point and for neck, head and auxiliary heads.

    The order is that of the forward: stages, neck, head, auxiliary heads.
    """
    rows = {module.path: module for module in modules}
    counts = {row.name: row for row in plan.rows}
    stages = [stage.modules for stage in parts.stages]
    found = [
        _summary(
            counts[stage.name],
            "backbone",
            rows,
            stage.modules,
            follower=stages[at + 1] if at + 1 < len(stages) else (),
            from_end=len(stages) - at,
        )
        for at, stage in enumerate(parts.stages)
    ]
    others = (
        ("neck", parts.neck_modules),
        ("head", parts.head_modules),
        ("aux", parts.aux_modules),
    )
    found += [_summary(counts[name], name, rows, paths) for name, paths in others if name in counts]
    return tuple(found)


def _summary(
    count: PlanRow,
    role: str,
    rows: Mapping[str, ModuleInfo],
    paths: Sequence[str],
    *,
    follower: Sequence[str] = (),
    from_end: int = 0,
) -> PartSummary:
    present = [rows[path] for path in paths if path in rows]
    return PartSummary(
        name=count.name,
        role=role,
        num_trainable_parameters=count.num_trainable_parameters,
        num_frozen_parameters=count.num_frozen_parameters,
        num_multiply_adds=sum(row.num_multiply_adds for row in present),
        output=_output(present, [rows[path] for path in follower if path in rows]),
        num_blocks_from_end=from_end,
    )


def _output(present: Sequence[ModuleInfo], follower: Sequence[ModuleInfo]) -> Shape:
    """Return what the next stage is given, which is after the pooling between them, else what the
    last module that was called puts out.
    """
    for row in follower[:1]:
        if len(row.inputs) == 1:
            return row.inputs[0]
    called = [row for row in present if row.outputs]
    return called[-1].outputs[0] if called and len(called[-1].outputs) == 1 else ()
