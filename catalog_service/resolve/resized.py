"""An architecture whose builder arguments give it other widths than published. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from catalog_service.errors import Violation, invalid
from catalog_service.index.entries import ArchitectureEntry


def resized(entry: ArchitectureEntry, arguments: Mapping[str, Any]) -> ArchitectureEntry:
    """Return the entry with the widths that `arguments` give, as far as outputs show them.

    Args:
        arguments: of a spec: `hidden_size` of DINOv3's ViT, `hidden_sizes` of its ConvNeXt.

    Raises:
        InvalidRequest: another number of widths than of stages.
    """
    widths = arguments.get("hidden_sizes") or [arguments.get("hidden_size")]
    if widths == [None]:
        return entry
    stages = entry.feature_maps
    if len(widths) != len(stages):
        why = f"hidden_sizes has {len(widths)} widths; {entry.architecture_id} has {len(stages)}"
        raise invalid([Violation(field="arguments", description=why)])
    maps = tuple(
        replace(each, num_channels=width) for each, width in zip(stages, widths, strict=True)
    )
    return replace(entry, num_features=widths[-1], feature_maps=maps)
