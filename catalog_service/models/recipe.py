"""How a model is built, as data: the same recipe gives the same structure with and without weights.

No torch. Mirrors `vertebra.model.v1.Recipe`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from catalog_service.models.plain_json import JsonObject, from_plain, to_plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A builder, what to call it with, and the head to put in place of the published one."""

    builder: str
    """`torchvision/resnet50`: source and architecture."""

    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Plain keyword arguments of the builder; lists where it wants tuples."""

    library: str = ""
    """Releases of the library that the index was built with, such as `torchvision 0.29.2`."""

    head: Mapping[str, Any] | None = None
    """`{"kind": "classification", "num_outputs": 26}`; None for the published head."""

    neck: Mapping[str, Any] | None = None
    """`{"kind": "fpn", "num_channels": 256}`; None for no neck of ours."""

    stem: Mapping[str, Any] | None = None
    """`{"in_channels": 4, "adaptation": "repeat"}`; None for the published first layer."""

    removed_modules: tuple[str, ...] = ()
    """Paths of modules that are Identity."""

    @property
    def architecture_id(self) -> str:
        """Return `resnet50` of `torchvision/resnet50`."""
        return self.builder.rpartition("/")[2]

    @property
    def source(self) -> str:
        """Return `torchvision` of `torchvision/resnet50`."""
        return self.builder.partition("/")[0]

    def to_json(self) -> JsonObject:
        """Return `builder`, `arguments`, `library` and `head` as plain JSON."""
        plain: JsonObject = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the recipe that `to_json` wrote.

        Raises:
            MalformedJson: an unknown field or a wrong type.
        """
        return from_plain(cls, data)


def classification_head(num_outputs: int) -> Mapping[str, Any]:
    """Return the `head` of a recipe for a new classification head."""
    assert num_outputs > 0
    return {"kind": "classification", "num_outputs": num_outputs}


def recipe_digest(recipe: Recipe) -> str:
    """Return `sha256:...` over the recipe's plain JSON, key order aside."""
    text = json.dumps(recipe.to_json(), sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
