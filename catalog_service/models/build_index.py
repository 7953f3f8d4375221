"""Writes the index and the layouts from the installed libraries:
`python -m catalog_service.models.build_index`.

With `--check` it writes nothing and fails where the committed index differs. Imports torch.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torchvision.models import list_models

from catalog_service.models.dinov3_rows import dinov3_weight_rows
from catalog_service.models.index_rows import LIBRARIES, architecture_row, weight_rows
from catalog_service.models.layout_rows import layout_rows, packed
from catalog_service.models.published_dinov3 import CONFIGURATIONS

INDEX_PATH = Path(__file__).parent.parent / "index" / "index.json"
LAYOUTS_PATH = INDEX_PATH.parent / "layouts.jsonl.xz"

NUM_SHOWN = 20
"""How many differences `--check` shows."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the index; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    if not parser.parse_args(arguments).check:
        data = index_data()
        INDEX_PATH.write_text(dump(data), encoding="utf-8")
        LAYOUTS_PATH.write_bytes(packed(layout_rows(data)))
        return 0
    found = differences(json.loads(INDEX_PATH.read_text(encoding="utf-8")), index_data())
    sys.stdout.writelines(f"{line}\n" for line in found[:NUM_SHOWN])
    sys.stdout.write(f"{len(found)} differences from {', '.join(LIBRARIES.values())}\n")
    return 1 if found else 0


def dump(data: Mapping[str, Any]) -> str:
    """Return the index as JSON with one row a line, so that changes show line by line."""
    lists = ",\n".join(f'"{k}": {_line(v)}' for k, v in sorted(data["category_lists"].items()))
    architectures = ",\n".join(map(_line, data["architectures"]))
    weights = ",\n".join(map(_line, data["weights"]))
    return (
        f'{{"library": {_line(data["library"])},\n"category_lists": {{\n{lists}\n}},\n'
        f'"architectures": [\n{architectures}\n],\n"weights": [\n{weights}\n]}}\n'
    )


def differences(committed: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    """Return a line for each row and field that differs, but not for the libraries' releases."""
    live = json.loads(json.dumps(live))
    found = []
    for table, key in (("architectures", "architecture_id"), ("weights", "reference")):
        old, new = ({row[key]: row for row in side[table]} for side in (committed, live))
        found += [f"{table}: {name} is only committed" for name in sorted(old.keys() - new.keys())]
        found += [f"{table}: {name} is only live" for name in sorted(new.keys() - old.keys())]
        for name in sorted(old.keys() & new.keys()):
            found += [
                f"{table}: {name}.{field}: committed {old[name].get(field)!r}, live {value!r}"
                for field, value in new[name].items()
                if field != "library" and old[name].get(field) != value
            ]
    if committed["category_lists"] != live["category_lists"]:
        found.append("category_lists differ")
    return found


def index_data() -> dict[str, Any]:
    """Return the whole index as plain data, from the installed libraries."""
    names = {"torchvision": sorted(list_models()), "transformers": sorted(CONFIGURATIONS)}
    weights = [row for name in names["torchvision"] for row in weight_rows(name)]
    weights += dinov3_weight_rows()
    category_lists: dict[str, list[str]] = {}
    for row in weights:
        key = hashlib.sha256(_line(row["categories"]).encode()).hexdigest()[:12]
        category_lists[key] = row["categories"]
        row["categories"] = key
    architectures = [
        architecture_row(name, _rows_of(name, weights), source=source)
        for source, listed in names.items()
        for name in listed
    ]
    return {
        "library": ", ".join(LIBRARIES.values()),
        "category_lists": category_lists,
        "architectures": sorted(architectures, key=lambda row: str(row["architecture_id"])),
        "weights": sorted(weights, key=lambda row: str(row["reference"])),
    }


def _rows_of(name: str, weights: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [dict(row) for row in weights if row["architecture_id"] == name]


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


if __name__ == "__main__":
    sys.exit(main())
