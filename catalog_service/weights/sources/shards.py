"""Weights that the hub has in parts: an index file, and the parts that it names. Pure.

Source: huggingface_hub/serialization/_base.py, `split_state_dict_into_shards_factory`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from catalog_service.errors import Precondition, listed

WHOLE_FILES = ("model.safetensors", "pytorch_model.bin")
"""What repositories call weights in one file, the preferred first."""

INDEX_FILES = tuple(f"{name}.index.json" for name in WHOLE_FILES)
"""What they call the index of weights in parts."""

MAX_INDEX_BYTES = 8 * 2**20
"""About 100,000 names: more tensors than the reader takes. It is parsed where calls are answered,
and 64 MiB took 400 MB there."""

MAX_PARTS = 1000

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}\.(?:safetensors|bin)")
"""Parts lie beside their index: a name with a folder in it is no part."""


class MalformedShardIndex(Precondition):
    """The index of a weight in parts is no such index."""

    reason = "FILE_UNREADABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardIndex:
    """Which part has which tensor.

    Attributes:
        weight_map: tensor name -> file name of its part.
    """

    weight_map: Mapping[str, str]

    @property
    def files(self) -> tuple[str, ...]:
        """Return the parts' file names, sorted."""
        return tuple(sorted(set(self.weight_map.values())))

    def names_in(self, file: str) -> frozenset[str]:
        """Return the tensors that a part must have, and no others."""
        return frozenset(name for name, part in self.weight_map.items() if part == file)


def shard_index(text: bytes) -> ShardIndex:
    """Return what an index file says.

    Raises:
        MalformedShardIndex: not JSON, no `weight_map`, or a part that is no plain file name.
    """
    if len(text) > MAX_INDEX_BYTES:
        raise MalformedShardIndex(f"an index of more than {MAX_INDEX_BYTES} bytes, the limit")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedShardIndex(f"the index of the parts is not JSON: {error}"[:200]) from error
    weight_map = document.get("weight_map") if isinstance(document, dict) else None
    if not isinstance(weight_map, dict) or not weight_map:
        raise MalformedShardIndex("the index of the parts has no weight_map")
    parts = {part for part in weight_map.values() if isinstance(part, str)}
    wrong = [repr(part)[:100] for part in weight_map.values() if not _is_part(part)]
    if wrong:
        raise MalformedShardIndex(f"no names of parts: {listed(wrong)}")
    if len(parts) > MAX_PARTS:
        raise MalformedShardIndex(f"{len(parts)} parts; the limit is {MAX_PARTS}")
    return ShardIndex(weight_map=weight_map)


def _is_part(part: object) -> bool:
    return isinstance(part, str) and _PART.fullmatch(part) is not None
