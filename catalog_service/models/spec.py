"""What model is wanted, as a value. No torch.

Mirrors `vertebra.model.v1.ModelSpec`. `spec_check.py` finds its contradictions.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from catalog_service.models.plain_json import JsonObject, MalformedJson, from_plain, to_plain
from catalog_service.models.tasks import TASKS, Task

_ARCHITECTURE_PREFIX = "architectures/"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One spec always means the same model; `spec_digest` names it."""

    backbone: str
    """An architecture such as `resnet50`; `architectures/resnet50` is the same."""

    pretrained: bool | None = None
    """None means True."""

    weights: str = ""
    """Any reference; empty means the architecture's default weights."""

    task: Task | None = None
    """The new head; None means the published head, exactly as it was trained. In JSON it stands
    under its kind: `{"classification": {...}}`.
    """

    neck: str = ""
    """Joins feature maps before a dense head; empty means the head's default."""

    image_height_px: int = 0
    """0 means the size that the weights were evaluated at; both or none are given."""

    image_width_px: int = 0

    seed: int = 0
    """Seeds the random head, and the backbone where `pretrained` is False."""

    in_channels: int = 0
    """0 means the published number."""

    stem_adaptation: str = ""
    """`repeat` (the default), `average` or `random`."""

    remove_modules: tuple[str, ...] = ()
    """Paths of modules to replace by Identity."""

    aux_heads: str = ""
    """`keep`, `drop`, or empty for the task's default."""

    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Builder arguments that differ from the published structure; a family says which it takes."""

    allow_partial: bool = False
    """Accept weights that cover less than the whole backbone."""

    allow_frozen_random: bool = False
    """Accept a job that freezes a backbone of random numbers. A permission: not in the digest."""

    freeze_backbone: bool | None = None
    """Shorthand for the job's freeze mode. It never changes the model: not in the digest."""

    @property
    def architecture_id(self) -> str:
        """Return `backbone` without `architectures/`."""
        return self.backbone.removeprefix(_ARCHITECTURE_PREFIX)

    @property
    def is_pretrained(self) -> bool:
        """Return whether numbers come from weights."""
        return self.pretrained is not False

    def to_json(self) -> JsonObject:
        """Return the spec under its proto's field names, unset fields left out."""
        plain: JsonObject = _without_defaults(self, ModelSpec(backbone=""))
        plain.pop("task", None)
        if self.task is not None:
            plain[self.task.kind] = _without_defaults(self.task, TASKS[self.task.kind]())
        return plain

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the spec of `{"backbone": "resnet50", "pretrained": true, ...}`.

        Raises:
            MalformedJson: an unknown field, a wrong type, or more than one task.
        """
        if not isinstance(data, Mapping):
            return from_plain(cls, data)
        if "task" in data:
            raise MalformedJson("ModelSpec: no field task; a task stands under its kind")
        kinds = sorted(TASKS.keys() & data.keys())
        if len(kinds) > 1:
            raise MalformedJson(f"ModelSpec: more than one task: {', '.join(kinds)}")
        fields = {name: value for name, value in data.items() if name not in TASKS}
        if kinds and not isinstance(data[kinds[0]], Mapping):
            raise MalformedJson(f"ModelSpec.{kinds[0]}: {data[kinds[0]]!r} is not an object")
        if kinds:
            fields["task"] = {**data[kinds[0]], "kind": kinds[0]}
        return from_plain(cls, fields)


def _without_defaults(value: object, unset: object) -> JsonObject:
    defaults = to_plain(unset)
    return {name: each for name, each in to_plain(value).items() if each != defaults[name]}


def spec_digest(spec: ModelSpec) -> str:
    """Return `sha256:...` over the spec; give it a resolved one, with every default filled in."""
    plain = to_plain(spec)
    del plain["freeze_backbone"], plain["allow_frozen_random"]
    plain |= {"backbone": spec.architecture_id, "pretrained": spec.is_pretrained}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
