"""Ids of the hub: the spellings that people write, and those that never existed. No network."""

from collections.abc import Mapping

from catalog_service.errors import InvalidRequest

HUB = "huggingface/"
"""Before the hub's id in a reference; people may leave it out."""

OWNERS = ("facebook/",)
"""Whose bare ids are taken for ids of the hub."""

NEVER_EXISTED: Mapping[str, tuple[str, str]] = {
    "facebook/dinov3-vitb14": (
        "facebook/dinov3-vitb16-pretrain-lvd1689m",
        "DINOv3 has patches of 16 pixels; those of 14 are DINOv2's",
    ),
    "facebook/dinov3-convnext-base": (
        "facebook/dinov3-convnext-base-pretrain-lvd1689m",
        "the hub's ids end in what the backbone was trained on",
    ),
    "facebook/dinov3-vitsplus-pretrain-lvd1689m": (
        "facebook/dinov3-vits16plus-pretrain-lvd1689m",
        "the patch size belongs to the name",
    ),
}
"""Ids that manuals and tutorials carry -> the right one, and why. The hub answers them like
repositories without permission, so asking it would look like a matter of access.
"""


class NoSuchHubId(InvalidRequest):
    """An id that many people write and the hub never had."""

    reason = "HUB_ID_UNKNOWN"


def is_hub_id(name: str) -> bool:
    """Return whether a name is an id of the hub, with or without `huggingface/`."""
    return name.startswith((HUB, *OWNERS))


def check_hub_id(name: str) -> None:
    """Raises NoSuchHubId for an id that never existed, with the right one."""
    wrong = name.removeprefix(HUB)
    if wrong in NEVER_EXISTED:
        right, why = NEVER_EXISTED[wrong]
        raise NoSuchHubId(
            f"the hub never had {wrong!r}: {why}; write {right!r}", metadata={"right": right}
        )
