"""Draw the pages' pictures again: `make pictures`. They come from the running catalog."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vertebra.catalog_client import CatalogClient
from vertebra.local_services import FREE_PORTS, LocalServices

PICTURES = Path(__file__).parent / "pictures"

DRAWN: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "detector.svg": (
        {
            "backbone": "resnet50",
            "neck": "fpn",
            "detection": {"class_names": ["cat", "dog"], "head": "faster_rcnn"},
        },
        "frozen_backbone",
    )
}
"""File -> the model spec and the freeze mode that it shows."""


def drawings(address: str) -> Iterator[tuple[str, str]]:
    """Yield each picture's file name and content, as the catalog at `address` draws it."""
    with CatalogClient(address) as catalog:
        for name, (spec, freeze_mode) in DRAWN.items():
            drawing = catalog.render_model(spec, format="svg", freeze_mode=freeze_mode)
            yield name, drawing.content


def main() -> None:
    """Write all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as home,
        LocalServices(Path(home), ports=FREE_PORTS) as services,
    ):
        for name, content in drawings(services.catalog_address):
            (PICTURES / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
