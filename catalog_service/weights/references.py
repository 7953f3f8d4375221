"""The spellings of "start from these weights", told apart before anything is looked up. Pure."""

import re

from catalog_service.errors import Violation, invalid
from catalog_service.models.spec_check import CHECKPOINT_PREFIX

_PUBLISHED = re.compile(
    r"(?:weights/)?(?:(?:torchvision/)?(?:[A-Za-z0-9_]+_Weights\.)?[A-Za-z0-9_.]+"
    r"|(?:huggingface/)?[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*"
    r"(?:@[A-Za-z0-9][A-Za-z0-9_-]*(?:[./][A-Za-z0-9_-]+)*)?)"
)
_REPOSITORY = re.compile(r"(?:weights/)?huggingface/[^/]+/.+")
_NEVER_OF_THE_HUB = re.compile(r"[^@]*/[^@]*(?:--|\.\.)|[^@]*(?:--|\.\.)[^@]*/")
"""The hub has no such ids: caches and mirrors write `--` for the slash, so that one file's name
would be that of two repositories. Source: huggingface_hub/utils/_validators.py, validate_repo_id.
"""
_CHECKPOINT = re.compile(r"checkpoints/[a-z][a-z0-9_.-]{0,62}")

FORMS = (
    "torchvision/ResNet50_Weights.IMAGENET1K_V2, ResNet50_Weights.DEFAULT, "
    "facebook/dinov3-vitb16-pretrain-lvd1689m, huggingface/owner/repository@revision, resnet50 "
    "or checkpoints/letters"
)
"""What people may write, for messages."""


def is_checkpoint(reference: str) -> bool:
    """Return whether a reference names a registered backbone."""
    return reference.startswith(CHECKPOINT_PREFIX)


def is_repository(reference: str) -> bool:
    """Return whether a reference names a repository of the hub, listed or not."""
    return _REPOSITORY.fullmatch(reference) is not None


def check_reference(reference: str, *, field: str) -> list[Violation]:
    """Return what is wrong with the form of a reference; whether it exists is not looked at."""
    if is_checkpoint(reference):
        is_well_formed = _CHECKPOINT.fullmatch(reference) is not None
    else:
        is_never = _NEVER_OF_THE_HUB.match(reference) is not None
        is_well_formed = _PUBLISHED.fullmatch(reference) is not None and not is_never
    if is_well_formed:
        return []
    shown = reference if len(reference) <= 100 else f"{reference[:100]}..."
    return [Violation(field=field, description=f"{shown!r} is no weights; write {FORMS}")]


def published_reference(name: str, *, field: str) -> str:
    """Return `name`, which must have the form of a published weight.

    Raises:
        InvalidRequest: it has not, or names a checkpoint.
    """
    if is_checkpoint(name):
        why = f"{name[:100]!r} is a registered checkpoint; GetCheckpoint describes it"
        raise invalid([Violation(field=field, description=why)])
    violations = check_reference(name, field=field)
    if violations:
        raise invalid(violations)
    return name
