"""A blob of the store with all that is known about it, and the rules of what may go. Pure."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from catalog_service.blobs.blob import BlobInfo
from catalog_service.errors import listed

Kind = Literal["weights", "checkpoint", "model", "upload"]

KINDS: tuple[Kind, ...] = ("checkpoint", "weights", "model", "upload")
"""What a blob can be for; one with several uses is called after the first of these."""

LEASE_S = 600.0
"""Who was told of a blob has this long to come for it; streams note every use."""

UPLOAD_KEPT_S = 24 * 3600.0
"""Something is made of an upload within this time, or it was forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a blob is for.

    Attributes:
        name: a reference, `models/...` or `checkpoints/...`; empty for what has none.
    """

    digest: str
    kind: Kind
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A blob of the store.

    Attributes:
        used_by: names of its uses, sorted.
        create_time, last_used_time, last_verified_time: seconds since the epoch; None where nobody
            noted it.
        is_consumed: whether a checkpoint was made of it.
        is_leased: used now, or moments ago.
        kept_because: why it is never evicted; empty where it may be.
    """

    blob: BlobInfo
    kind: Kind
    used_by: tuple[str, ...]
    last_used_time: float
    create_time: float | None = None
    last_verified_time: float | None = None
    pins: tuple[str, ...] = ()
    is_consumed: bool = False
    is_leased: bool = False
    kept_because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepRules:
    """What makes a blob stay.

    Attributes:
        is_offline: weights cannot be had again.
        forced_kinds: kinds that somebody asked for by name: they go also where they could not be
            had again.
    """

    is_offline: bool
    lease_s: float = LEASE_S
    upload_kept_s: float = UPLOAD_KEPT_S
    forced_kinds: Collection[Kind] = ()

    def reason(self, entry: Entry, now: float) -> str:
        """Return why an entry stays, as a sentence's end; empty where it may go."""
        return next((why for rule in _RULES if (why := rule(self, entry, now))), "")


def kind_of(uses: Sequence[Use]) -> Kind:
    """Return what a blob is called after: of several uses the one that is hardest to replace."""
    kinds = {use.kind for use in uses}
    return next((kind for kind in KINDS if kind in kinds), "upload")


def _pinned(_: KeepRules, entry: Entry, __: float) -> str:
    return f"pinned by {listed(entry.pins)}" if entry.pins else ""


def _only_copy(_: KeepRules, entry: Entry, __: float) -> str:
    if entry.kind != "checkpoint":
        return ""
    names = [name for name in entry.used_by if name.startswith("checkpoints/")]
    return f"the only copy of {listed(names)}"


def _leased(_: KeepRules, entry: Entry, __: float) -> str:
    return "in use, or was moments ago" if entry.is_leased else ""


def _uploaded(rules: KeepRules, entry: Entry, now: float) -> str:
    if entry.kind != "upload" or entry.is_consumed or "upload" in rules.forced_kinds:
        return ""
    is_fresh = now - entry.last_used_time < rules.upload_kept_s
    return "uploaded lately, and nothing was made of it yet" if is_fresh else ""


def _offline(rules: KeepRules, entry: Entry, _: float) -> str:
    is_lost = rules.is_offline and entry.kind == "weights" and "weights" not in rules.forced_kinds
    return "offline, it could not be had again" if is_lost else ""


_RULES: tuple[Callable[[KeepRules, Entry, float], str], ...] = (
    _pinned,
    _only_copy,
    _leased,
    _uploaded,
    _offline,
)
"""The first that has a reason is what people are told."""
