"""COCO annotations: what each task gets of them, and what is wrong with which annotation."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from faster_coco_eval import mask as coco_mask

from tests.fakes.annotated_images import draw_images, square, write_coco
from tests.trainer_service.datasets.conftest import LISTED, ReadData
from trainer_service.datasets.batches import evaluation_batches
from trainer_service.datasets.coco_outline import outline_fault
from trainer_service.datasets.inspect import inspect
from trainer_service.datasets.wants import DataWants
from trainer_service.errors import DataInvalid, PathOutsideRoots
from trainer_service.jobs import DatasetSpec

CATEGORIES = {3: "cat", 7: "dog"}


def data(folder: Path, *changes: dict[str, Any], count: int = 6) -> DatasetSpec:
    """Write images with one object each; `changes` are further annotations."""
    paths = draw_images(folder / "images", count)
    objects = [square(number, number, (3, 7)[number % 2]) for number in range(count)]
    further = [
        square(0, 100 + number, **{"category_id": 3, **change})
        for number, change in enumerate(changes)
    ]
    path = write_coco(
        folder / "coco.json", [each.name for each in paths], [*objects, *further], CATEGORIES
    )
    return DatasetSpec(kind="coco", path=str(path), targets_path=str(folder / "images"))


def all_targets(dataset: Any) -> list[dict[str, torch.Tensor]]:
    """Return the targets of all training images."""
    targets: list[dict[str, torch.Tensor]] = dataset.train.targets(np.arange(len(dataset.train)))
    return targets


def test_detectors_get_boxes_and_labels_from_one(tmp_path: Path, read_data: ReadData) -> None:
    dataset = read_data(data(tmp_path), task="detection")

    targets = all_targets(dataset)
    assert dataset.class_names == ("cat", "dog")
    assert {int(each["labels"][0]) for each in targets} == {1, 2}
    assert targets[0]["boxes"].tolist() == [[4, 4, 12, 12]]
    assert targets[0].keys() == {"boxes", "labels", "is_crowd"}


def test_pictures_of_detectors_keep_their_size(tmp_path: Path, read_data: ReadData) -> None:
    dataset = read_data(data(tmp_path), task="detection")

    pixels = dataset.train.pixels(np.arange(2))

    assert isinstance(pixels, list)
    assert [tuple(each.shape) for each in pixels] == [(16, 16, 3)] * 2


def test_few_pictures_of_detectors_are_judged_at_a_time(
    tmp_path: Path, read_data: ReadData
) -> None:
    """64 photographs of any size, twice, and their feature maps, are more memory than there is."""
    images = read_data(data(tmp_path, count=12), task="detection").train

    batches = list(evaluation_batches(images, LISTED, torch.device("cpu")))

    assert max(each.num_images for each in batches) <= 4
    assert np.array_equal(
        np.concatenate([each.positions for each in batches]), np.arange(len(images))
    )


def test_instance_segmentation_gets_masks(tmp_path: Path, read_data: ReadData) -> None:
    [mask] = all_targets(read_data(data(tmp_path), task="instance_segmentation"))[0]["masks"]

    assert mask.dtype == torch.uint8
    expected = torch.zeros(16, 16, dtype=torch.uint8)
    expected[4:12, 4:12] = 1
    assert torch.equal(mask, expected)


def test_run_lengths_are_masks_too(tmp_path: Path, read_data: ReadData) -> None:
    """Column by column: COCO's order."""
    counts = [16 * 4, 16 * 2, 16 * 10]
    runs = {"segmentation": {"size": [16, 16], "counts": counts}, "iscrowd": 1}
    spec = data(tmp_path, runs, count=6)

    dataset = read_data(spec, task="instance_segmentation")

    crowded = [each for each in all_targets(dataset) if len(each["labels"]) == 2]
    if not crowded:
        crowded = [
            each for each in dataset.validation.targets(np.arange(2)) if len(each["labels"]) == 2
        ]
    [target] = crowded
    assert target["is_crowd"].tolist() == [False, True]
    assert target["masks"][1].sum(dim=0).nonzero().flatten().tolist() == [4, 5]


def test_keypoints_come_with_their_visibility(tmp_path: Path, read_data: ReadData) -> None:
    dataset = read_data(data(tmp_path), task="keypoints")

    assert dataset.keypoint_names == ("left_top", "right_bottom")
    assert all_targets(dataset)[0]["keypoints"].tolist() == [[[4, 4, 2], [12, 12, 1]]]


def test_segmentation_paints_objects_and_leaves_crowds_out(
    tmp_path: Path, read_data: ReadData
) -> None:
    crowd = {"bbox": [0, 0, 3, 3], "segmentation": [[0, 0, 3, 0, 3, 3, 0, 3]], "iscrowd": 1}

    dataset = read_data(data(tmp_path, crowd), task="segmentation")

    masks = torch.cat(
        [split.targets(np.arange(len(split))) for split in (dataset.train, dataset.validation)]
    )
    assert dataset.class_names == ("background", "cat", "dog")
    assert set(masks.unique().tolist()) == {0, 1, 2, 255}
    assert (masks == 255).sum() == 9
    assert (masks[:, 4:12, 4:12] > 0).all()


def test_looking_opens_no_image_and_knows_the_counts(tmp_path: Path) -> None:
    spec = data(tmp_path)
    for path in (tmp_path / "images").iterdir():
        path.write_bytes(b"")

    summary = inspect(spec, DataWants(task="detection"), (str(tmp_path),))

    assert summary.num_train_images + summary.num_validation_images == 6
    assert sum(summary.num_images_per_class) == summary.num_train_images


@pytest.mark.parametrize(
    ("change", "task", "expected"),
    [
        ({"category_id": 99}, "detection", "annotation 100: category 99 is no class"),
        ({"bbox": [4, 4, 0, 8]}, "detection", "no part of its box"),
        ({"bbox": [40, 4, 8, 8]}, "detection", "no part of its box"),
        ({"bbox": [4, 4, float("nan"), 8]}, "detection", "no part of its box"),
        ({"segmentation": []}, "instance_segmentation", "annotation 100 has no segmentation"),
        ({"keypoints": [1, 2, 3]}, "keypoints", "3 keypoint numbers, not 6"),
    ],
)
def test_annotations_that_mean_nothing_are_named(
    tmp_path: Path, change: dict[str, Any], task: str, expected: str
) -> None:
    spec = data(tmp_path, change)

    with pytest.raises(DataInvalid, match=rf"1 of 6 images .*000\.png.*{expected}"):
        inspect(spec, DataWants(task=task), (str(tmp_path),))


def test_boxes_are_cut_at_the_edge(tmp_path: Path, read_data: ReadData) -> None:
    dataset = read_data(data(tmp_path, {"bbox": [10, 10, 30, 2]}), task="detection")

    boxes = torch.cat([each["boxes"] for each in all_targets(dataset)])
    boxes = torch.cat([boxes, *(t["boxes"] for t in dataset.validation.targets(np.arange(2)))])
    assert boxes[:, 2].max() == 16


def test_another_size_than_annotated_is_found(tmp_path: Path, read_data: ReadData) -> None:
    """Boxes of a turned or resized picture would be somewhere else."""
    spec = data(tmp_path)
    document = json.loads(Path(spec.path).read_text())
    document["images"][2]["width"] = 20
    Path(spec.path).write_text(json.dumps(document))

    with pytest.raises(DataInvalid, match=r"002\.png' \(16 x 16 pixels upright, annotated as 20"):
        read_data(spec, task="detection")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "is not JSON"),
        ("[]", "holds no object"),
        ('{"images": []}', "is not as COCO writes it: KeyError 'categories'"),
        (
            '{"images": [], "categories": [], "annotations": [{"image_id": 5}]}',
            "annotates images that it does not list: 5",
        ),
    ],
)
def test_what_is_no_coco_file_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    spec = data(tmp_path)
    Path(spec.path).write_text(text)

    with pytest.raises(DataInvalid, match=expected):
        inspect(spec, DataWants(task="detection"), (str(tmp_path),))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("images", r"gives several of its `images` the ids 0: which annotations are whose"),
        ("categories", r"gives several of its `categories` the ids 3: which annotations are whose"),
    ],
)
def test_ids_that_are_given_twice_are_refused(kind: str, expected: str, tmp_path: Path) -> None:
    """Each of two images would get the objects of both; the last of two categories all of them."""
    spec = data(tmp_path)
    rewrite(spec, lambda document: document[kind][1].update(id=document[kind][0]["id"]))
    rewrite(spec, lambda document: document.update(annotations=document["annotations"][:1]))

    with pytest.raises(DataInvalid, match=expected):
        inspect(spec, DataWants(task="detection"), [str(tmp_path)])


def test_no_file_name_leads_out_of_the_allowed_roots(tmp_path: Path) -> None:
    spec = data(tmp_path / "inside")
    draw_images(tmp_path / "outside", 1)
    document = json.loads(Path(spec.path).read_text())
    document["images"][0]["file_name"] = "../../outside/000.png"
    Path(spec.path).write_text(json.dumps(document))

    with pytest.raises(PathOutsideRoots):
        inspect(spec, DataWants(task="detection"), (str(tmp_path / "inside"),))


@pytest.mark.parametrize(
    ("task", "change", "words"),
    [
        ("detection", {"bbox": [10**400, 1, 5, 5]}, "annotation 100: no part of its box"),
        ("detection", {"category_id": {"name": "cat"}}, "annotation 100: category"),
        ("detection", {"category_id": None}, "annotation 100: category None is no class"),
        ("keypoints", {"keypoints": ["left"] * 6}, "annotation 100 has keypoints that are no"),
        ("keypoints", {"keypoints": [float("nan")] * 6}, "that are no finite numbers"),
        ("keypoints", {"keypoints": 7}, "annotation 100 has 1 keypoint numbers, not 6"),
    ],
)
def test_annotation_of_the_wrong_kind_is_named(
    task: str, change: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(DataInvalid, match=words):
        inspect(data(tmp_path, change), DataWants(task=task), [str(tmp_path)])


@pytest.mark.parametrize(
    ("outline", "words"),
    [
        ([[1, 2]], "a polygon of 2 numbers has no area"),
        ([[1, 2, 3, 4, 5]], "a polygon of 5 numbers"),
        ([[1e30, 2, 3, 4, 1, 1]], "far outside"),
        ([["left"] * 6], "list of numbers"),
        ([[float("nan")] * 6], "list of numbers"),
        ([1, 2, 3, 4, 5, 6], "list of numbers"),
        ({"counts": [100], "size": [10, 10]}, "run lengths of size"),
        ({"counts": [100, -100, 256], "size": [16, 16]}, "run lengths of 256 pixels"),
        ({"counts": [5, 10], "size": [16, 16]}, "run lengths of 15 pixels in all, not 256"),
        ({"counts": "garbage", "size": [16, 16]}, "run lengths"),
        ({"counts": 7, "size": [16, 16]}, "run lengths are a list"),
        ("4,4,12,12", "neither polygons nor run lengths"),
    ],
)
def test_outline_that_cannot_be_drawn_is_named(outline: object, words: str, tmp_path: Path) -> None:
    spec = data(tmp_path, {"segmentation": outline})

    for task in ("instance_segmentation", "segmentation"):
        with pytest.raises(DataInvalid, match=f"annotation 100: .*{words}"):
            inspect(spec, DataWants(task=task), [str(tmp_path)])


def test_run_lengths_as_coco_writes_them_can_be_drawn() -> None:
    draws = np.random.default_rng(0)
    for number in range(200):
        height, width = draws.integers(1, 90, size=2).tolist()
        mask = (draws.random((height, width)) < draws.random()).astype(np.uint8)
        mask[: draws.integers(0, height + 1)] = number % 2
        runs = coco_mask.encode(np.asfortranarray(mask))
        outline = {"counts": runs["counts"].decode(), "size": [height, width]}

        assert outline_fault(outline, width, height) == ""


@pytest.mark.parametrize(
    "change",
    [
        {"width": 10**30},
        {"width": 0},
        {"height": float("inf")},
        {"height": "tall"},
    ],
)
def test_impossible_size_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    spec = data(tmp_path)
    rewrite(spec, lambda document: document["images"][0].update(change))

    with pytest.raises(DataInvalid, match="is not as COCO writes it"):
        inspect(spec, DataWants(task="detection"), [str(tmp_path)])


def test_category_that_no_one_can_write_down_is_refused(tmp_path: Path) -> None:
    spec = data(tmp_path)
    rewrite(spec, lambda document: document["categories"][0].update(name="cat\ud800"))

    with pytest.raises(DataInvalid, match="is not as COCO writes it"):
        inspect(spec, DataWants(task="detection"), [str(tmp_path)])


def test_images_without_objects_teach_no_detector(tmp_path: Path) -> None:
    spec = data(tmp_path)
    rewrite(spec, lambda document: document.update(annotations=[]))

    with pytest.raises(DataInvalid, match="none of the 5 training images has an object"):
        inspect(spec, DataWants(task="detection"), [str(tmp_path)])


def test_file_name_too_long_for_a_file_is_no_file(tmp_path: Path) -> None:
    spec = data(tmp_path)
    rewrite(spec, lambda document: document["images"][0].update(file_name="a" * 5000))

    with pytest.raises(DataInvalid, match="no such file"):
        inspect(spec, DataWants(task="detection"), [str(tmp_path)])


def rewrite(spec: DatasetSpec, change: Callable[[Any], object]) -> None:
    """Change what an annotation file holds."""
    document = json.loads(Path(spec.path).read_text())
    change(document)
    Path(spec.path).write_text(json.dumps(document))
