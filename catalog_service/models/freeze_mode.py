"""Which parts of a model train, as asked for. No torch, no layout: `freeze_plan` applies it."""

import re
from dataclasses import dataclass
from typing import Literal, Self, get_args

from catalog_service.errors import InvalidRequest
from catalog_service.models.plain_json import JsonObject, from_plain, to_plain

FreezeKind = Literal[
    "full", "frozen_backbone", "last_blocks", "scratch", "gradual", "custom", "norm_only"
]
NormPolicy = Literal["", "batch_statistics", "frozen_statistics", "recalibrate"]
"""What happens to batch-norm statistics. Empty means the mode's usual one."""

DEFAULT_LR_SCALE = 0.1
"""Of what a gradual training lets in later: pretrained parts are nearly right already, and usually
move at a tenth of a new head's rate."""

WRITTEN_MODES = "full, frozen_backbone, last_blocks(1), scratch, gradual and norm_only"
"""What `freeze_mode_of` reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfreezeStep:
    """From when on how much trains; exactly one of the three says when."""

    after_epochs: int = 0
    after_steps: int = 0
    after_plateau_epochs: int = 0
    """Epochs without an improvement of the task's main metric."""

    num_blocks: int = 0
    """Stages counted from the head; 0 means everything."""

    lr_scale: float = DEFAULT_LR_SCALE
    """What starts to train here gets the learning rate times this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeMode:
    """Which parts train."""

    kind: str = "full"
    """One of `FreezeKind`."""

    num_blocks: int = 0
    """`last_blocks` only: stages counted from the head, at least 1."""

    steps: tuple[UnfreezeStep, ...] = ()
    """`gradual` only, in order. Empty means two: the last stage after a third of the epochs,
    everything after two thirds."""

    trainable_patterns: tuple[str, ...] = ()
    """`custom` only: what trains besides the head; module paths or parameter names, `*` for any
    characters but dots, `**` for any."""

    frozen_patterns: tuple[str, ...] = ()
    """`custom` only: exceptions to the above, and to the head."""

    def __str__(self) -> str:
        """Return the kind, such as `full`; and `last_blocks(2)`."""
        return f"{self.kind}({self.num_blocks})" if self.kind == "last_blocks" else self.kind

    @property
    def usual_norm(self) -> NormPolicy:
        """Return the norm policy of this mode where none is asked for."""
        return "batch_statistics" if self.kind in ("full", "scratch") else "frozen_statistics"

    def to_json(self) -> JsonObject:
        """Return the mode as plain JSON."""
        plain: JsonObject = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the mode that `to_json` wrote."""
        return from_plain(cls, data)


FULL = FreezeMode()
"""Everything trains that an image reaches."""


def freeze_mode_of(text: str) -> FreezeMode:
    """Return the mode that `str(mode)` wrote: `full`, `last_blocks(2)`. `gradual` has the usual
    steps.

    Raises:
        InvalidRequest: no such mode, or one that a word does not say: `custom` has patterns.
    """
    found = re.fullmatch(r"last_blocks\(([0-9]{1,4})\)", text)
    if found:
        return FreezeMode(kind="last_blocks", num_blocks=int(found.group(1)))
    if text == "custom":
        raise InvalidRequest(
            f"freeze mode 'custom' has patterns, which a word does not say; modes are"
            f" {WRITTEN_MODES}; PlanTrainJob takes patterns"
        )
    if text not in get_args(FreezeKind) or text == "last_blocks":
        raise InvalidRequest(f"no freeze mode {text[:100]!r}; modes are {WRITTEN_MODES}")
    return FreezeMode(kind=text)


def check_words(mode: FreezeMode, norm: str) -> None:
    """Raise `InvalidRequest` where `mode` or `norm` contradicts itself, whatever the model is."""
    if mode.kind not in get_args(FreezeKind):
        raise InvalidRequest(f"no freeze mode {mode.kind!r}; modes are {_either(FreezeKind)}")
    if norm not in get_args(NormPolicy):
        raise InvalidRequest(f"no norm policy {norm!r}; policies are {_either(NormPolicy)}")
    if mode.kind == "scratch" and norm not in ("", "batch_statistics"):
        raise InvalidRequest(
            f"norm {norm!r} contradicts scratch: batch norms that start from nothing must train"
        )
    if mode.kind == "norm_only" and norm == "batch_statistics":
        raise InvalidRequest(
            "norm 'batch_statistics' contradicts norm_only, which trains the weights of norms and"
            " keeps their statistics: leave it out, or name the norms in a custom mode"
        )
    for name, kind in OWNERS.items():
        value = getattr(mode, name)
        if value and mode.kind != kind:
            raise InvalidRequest(f"{name}={value!r} means nothing for {mode.kind!r}")


OWNERS = {
    "num_blocks": "last_blocks",
    "steps": "gradual",
    "trainable_patterns": "custom",
    "frozen_patterns": "custom",
}
"""Field of a mode -> the one kind that has it."""


def _either(choices: object) -> str:
    return ", ".join(filter(None, get_args(choices)))
