"""`vertebra mirror`: what flags choose, and what people read of it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import click
import pytest

from tests.clients.python.cli.conftest import Terminal, told
from tests.clients.python.conftest import Shell
from vertebra.bundle_layout import BundleBlob
from vertebra.catalog.v1 import weights_service_pb2 as weights_wire
from vertebra.catalog_client import CatalogClient
from vertebra.cli import exit_codes
from vertebra.cli.mirror_selection import selection_of
from vertebra.cli.mirror_view import ExportRow, ImportRow

NOTHING: Mapping[str, Any] = {
    "names": (),
    "architectures": (),
    "task": "",
    "licence": "",
    "filter_text": "",
    "all_weights": False,
    "list_file": None,
    "exclude_licences": (),
}


class Listing:
    """A catalog that finds one weight for every filter but `task = nothing`."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def list_weights(self, text: str) -> Iterator[SimpleNamespace]:
        """Find a weight called as the filter."""
        self.asked.append(text)
        if "task = nothing" not in text:
            yield SimpleNamespace(reference=f"found by {text}")


def chosen(**flags: Any) -> tuple[list[str], list[str]]:
    """Return what was asked of the catalog, and the selection's names."""
    catalog = Listing()
    selection = selection_of(cast(CatalogClient, catalog), {**NOTHING, **flags})
    return catalog.asked, list(selection.names)


def test_names_are_taken_as_they_are_and_nobody_is_asked() -> None:
    assert chosen(names=("resnet50", "checkpoints/a")) == ([], ["resnet50", "checkpoints/a"])


def test_filters_narrow_each_other_and_take_defaults_only() -> None:
    asked, _ = chosen(architectures=("resnet50", "vit*"), licence="BSD-3-Clause", task="x")

    assert asked == [
        f'{first} AND task = x AND licence = "BSD-3-Clause" AND is_default = true'
        for first in ('architecture_id = "resnet50"', 'architecture_id : "vit*"')
    ]


def test_all_weights_takes_more_than_defaults() -> None:
    assert chosen(architectures=("resnet50",), all_weights=True)[0] == [
        'architecture_id = "resnet50"'
    ]


def test_names_a_list_and_what_filters_find_are_added_each_once(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("# ours\nresnet50\n\n  vgg16  # old\n")

    _, names = chosen(names=("vgg16",), list_file=tmp_path / "list", task="y")

    assert names == ["vgg16", "resnet50", "found by task = y AND is_default = true"]


@pytest.mark.parametrize("flags", [{}, {"task": "nothing"}])
def test_what_chooses_nothing_is_a_usage_error(flags: Any) -> None:
    with pytest.raises(click.UsageError):
        chosen(**flags)


@pytest.mark.parametrize("flag", ["dinov3-license", "dinov3-license=nowhere.txt", "=x"])
def test_a_licence_text_that_is_none_is_a_usage_error(
    shell: Shell, with_catalog: object, flag: str
) -> None:
    code, _, err = shell("mirror", "export", "b", "resnet18", "--licence-text", flag)

    assert code == exit_codes.USAGE
    assert "--licence-text" in err


def test_an_export_on_its_way_shows_what_is_copied_and_how_much_of_all(terminal: Terminal) -> None:
    watcher, page = ExportRow(55_000_000), terminal(80)
    watcher.copied(10_000_000)
    watcher.copies("torchvision/MobileNet_V3_Small_Weights.IMAGENET1K_V1", 5_000_000)
    watcher.prepares(
        weights_wire.EnsureProgress(left=weights_wire.TrailStep(location="torch-hub cache"))
    )

    page.print(watcher.row.view())

    what, bar = told(page)
    assert what.endswith("copying MobileNet_V3_Small_Weights.IMAGENET1K_V1")
    assert bar.endswith("15.0 MB of 55.0 MB")


def test_what_the_catalog_fetches_meanwhile_is_shown(terminal: Terminal) -> None:
    watcher, page = ExportRow(55_000_000), terminal(80)

    watcher.prepares(
        weights_wire.EnsureProgress(location="origin", bytes_done=4_400_000, bytes_total=10**8)
    )
    page.print(watcher.row.view())

    assert told(page)[0].endswith("the catalog fetches from origin: 4.4 MB of 100.0 MB")


def test_an_import_on_its_way_fits_on_a_small_terminal(terminal: Terminal) -> None:
    blob = BundleBlob(
        digest=f"sha256:{'0' * 64}", size_bytes=5 * 10**11, references=("checkpoints/a", "b")
    )
    watcher, page = ImportRow(10**12), terminal(80)
    watcher.reads(blob, 1)
    watcher.sends(blob, 123_456_789_012)

    page.print(watcher.row.view())

    what, bar = told(page)
    assert what.endswith("sending checkpoints/a and 1 more")
    assert "123.5 GB of 1.0 TB" in bar
