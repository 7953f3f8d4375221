"""Data behind URLs: names to look at, the whole to train on, nothing beyond what is allowed."""

from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import fsspec
import pytest

from tests.fakes.annotated_images import draw_images, square, write_coco, write_table
from tests.fakes.image_folders import draw_folder
from tests.trainer_service.datasets.conftest import CONTRACT
from trainer_service.datasets.image_folder import IMAGE_EXTENSIONS
from trainer_service.datasets.inspect import inspect
from trainer_service.datasets.read import read_dataset
from trainer_service.datasets.staging import fetched, outlined, require_allowed
from trainer_service.datasets.wants import DataWants
from trainer_service.errors import DataInvalid, PathOutsideRoots
from trainer_service.jobs import DatasetSpec
from trainer_service.jobs.dataset_spec import CsvSource

ALLOWED = ("/nowhere", "memory://bucket")


@pytest.fixture
def bucket() -> Iterator[Any]:
    """A file system in memory: fsspec's own."""
    file_system = fsspec.filesystem("memory")
    yield file_system
    file_system.rm("/bucket", recursive=True)


def upload(file_system: Any, folder: Path, name: str) -> str:
    """Put a folder there; return its URL."""
    for path in folder.rglob("*"):
        if path.is_file():
            file_system.pipe_file(f"/bucket/{name}/{path.relative_to(folder)}", path.read_bytes())
    return f"memory://bucket/{name}"


def images_here(folder: Path) -> dict[str, int]:
    """Return the sizes of all images by their names in the folder."""
    return {
        f"{path.parent.name}/{path.name}": path.stat().st_size
        for path in folder.rglob("*")
        if path.suffix in IMAGE_EXTENSIONS
    }


def test_a_look_fetches_names_alone(bucket: Any, tmp_path: Path) -> None:
    url = upload(bucket, draw_folder(tmp_path / "data", {"a": 5, "b": 5}), "letters")
    spec = DatasetSpec(kind="image_folder", path=url)

    here, roots = outlined(spec, ALLOWED, str(tmp_path / "staged"))
    summary = inspect(here, DataWants(), roots)

    assert summary.num_images_per_class == (4, 4)
    assert set(images_here(tmp_path / "staged").values()) == {0}


def test_the_worker_fetches_everything_and_only_once(
    bucket: Any, tmp_path: Path, pool: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = upload(bucket, draw_folder(tmp_path / "data", {"a": 5, "b": 5}), "letters")
    spec = DatasetSpec(kind="image_folder", path=url)
    asked: list[str] = []
    get_file = type(bucket).get_file
    monkeypatch.setattr(
        type(bucket),
        "get_file",
        lambda self, *a, **k: (asked.append(a[0]), get_file(self, *a, **k)),
    )

    def fetch() -> tuple[DatasetSpec, tuple[str, ...]]:
        staged = str(tmp_path / "staged")
        return fetched(spec, ALLOWED, staged, pool=pool, progress=lambda *_: None)

    here, roots = fetch()
    dataset = read_dataset(
        here,
        DataWants(contract=CONTRACT),
        allowed_roots=roots,
        pool=pool,
        progress=lambda *_: None,
    )
    assert len(dataset.train) + len(dataset.validation) == 10
    assert len(asked) == 10

    fetch()
    outlined(spec, ALLOWED, str(tmp_path / "staged"))
    assert len(asked) == 10
    assert 0 not in images_here(tmp_path / "staged").values()

    bucket.pipe_file("/bucket/letters/a/000.png", b"other")
    bucket.rm("/bucket/letters/a/001.png")
    here, _ = fetch()
    assert asked[10:] == ["/bucket/letters/a/000.png"]
    assert (Path(here.path) / "a" / "000.png").read_bytes() == b"other"
    assert not (Path(here.path) / "a" / "001.png").exists()


def test_a_table_brings_its_folder_along(bucket: Any, tmp_path: Path) -> None:
    paths = draw_images(tmp_path / "data" / "pictures", 6)
    rows = [(f"pictures/{path.name}", "ab"[n % 2]) for n, path in enumerate(paths)]
    write_table(tmp_path / "data" / "table.csv", ("image", "kind"), rows)
    url = upload(bucket, tmp_path / "data", "tables")

    here, roots = outlined(
        DatasetSpec(kind="csv", path=f"{url}/table.csv"), ALLOWED, str(tmp_path / "staged")
    )

    assert inspect(here, DataWants(), roots).class_names == ("a", "b")


def test_a_single_file_is_fetched_and_fetched_again_when_it_changed(
    bucket: Any, tmp_path: Path
) -> None:
    draw_images(tmp_path / "data" / "images", 4)
    names = [f"{number:03}.png" for number in range(4)]
    objects = [square(number, number, 1) for number in range(4)]
    write_coco(tmp_path / "data" / "coco.json", names, objects, {1: "cat"})
    url = upload(bucket, tmp_path / "data", "coco")
    spec = DatasetSpec(kind="coco", path=f"{url}/coco.json", targets_path=f"{url}/images")

    def classes() -> tuple[str, ...]:
        here, roots = outlined(spec, ALLOWED, str(tmp_path / "staged"))
        return inspect(here, DataWants(task="detection"), roots).class_names

    assert classes() == ("cat",)
    changed = (tmp_path / "data" / "coco.json").read_bytes().replace(b'"cat"', b'"dog"')
    bucket.pipe_file("/bucket/coco/coco.json", changed)
    assert classes() == ("dog",)


@pytest.mark.parametrize(
    "url",
    [
        "memory://bucket2/x",
        "memory://bucket/../secret",
        "memory://bucket/%2e%2e/secret",
        "memory://bucket/a%2f..%2f..%2fsecret",
        "simplecache::memory://bucket/x",
        "memory://bucket/x::file:///etc",
        "file:///etc",
        "memory://bucket@evil/x",
    ],
)
def test_only_what_starts_with_an_allowed_prefix_is_fetched(url: str) -> None:
    with pytest.raises(PathOutsideRoots, match="VERTEBRA_TRAINER_DATA_URLS"):
        require_allowed(url, ALLOWED)
    require_allowed("memory://bucket/x/y", ALLOWED)
    require_allowed("memory://bucket", ALLOWED)


def test_local_paths_need_no_staging(tmp_path: Path) -> None:
    spec = DatasetSpec(kind="csv", path="/data/t.csv", csv=CsvSource(images_path="/data/i"))

    assert outlined(spec, ALLOWED, "") == (spec, ("/nowhere",))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("memory://bucket/nothing", "nothing at|cannot list"),
        ("nosuchscheme://bucket/x", r"cannot list .*nosuchscheme"),
    ],
)
def test_what_cannot_be_listed_is_said(tmp_path: Path, url: str, expected: str) -> None:
    allowed = (*ALLOWED, "nosuchscheme://bucket")

    with pytest.raises(DataInvalid, match=expected):
        outlined(DatasetSpec(kind="image_folder", path=url), allowed, str(tmp_path))


@pytest.mark.parametrize(("path", "held_out"), [("a", "a/val"), ("a/train", "a"), ("a", "a/")])
def test_remote_folders_of_which_one_lies_in_the_other_are_refused(
    path: str, held_out: str, tmp_path: Path
) -> None:
    """Each would have its own place here, and training would have the validation's images."""
    spec = DatasetSpec(
        kind="unlabelled_images",
        path=f"memory://bucket/{path}",
        validation_path=f"memory://bucket/{held_out}",
    )

    with pytest.raises(DataInvalid, match="one lies in the other"):
        outlined(spec, ALLOWED, str(tmp_path / "staged"))
