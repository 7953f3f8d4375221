"""Pins: supplied ones win, learnt ones are the first of their name and say so."""

import json
import threading
from pathlib import Path

import pytest

from catalog_service.weights.pins import Pin, Pins, pin_key, supplied_pins
from catalog_service.weights.wanted_file import WantedFile

ONE, OTHER = "1" * 64, "2" * 64

PUBLISHED = WantedFile(reference="torchvision/x", file_name="x-11111111.pth")
ON_THE_HUB = WantedFile(
    reference="facebook/dinov3",
    file_name="model.safetensors",
    repository="facebook/dinov3",
    revision="main",
    path="model.safetensors",
)


@pytest.fixture
def learnt(tmp_path: Path) -> Path:
    return tmp_path / "pins.json"


def test_a_file_is_completed_with_its_pin() -> None:
    pins = Pins({"x-11111111.pth": Pin(sha256=ONE, size_bytes=7)}, None)

    completed = pins.completed(PUBLISHED)

    assert (completed.sha256, completed.size_bytes) == (ONE, 7)


def test_a_file_on_the_hub_is_pinned_with_its_revision() -> None:
    pins = Pins({"facebook/dinov3@main/model.safetensors": Pin(sha256=ONE)}, None)

    assert pins.completed(ON_THE_HUB).sha256 == ONE
    assert pin_key(ON_THE_HUB) == "facebook/dinov3@main/model.safetensors"


def test_the_first_bytes_of_a_name_are_noted_with_where_from(learnt: Path) -> None:
    Pins({}, learnt).learn(PUBLISHED, ONE, 7, "https://user:secret@host/x?token=secret")

    pin = Pins({}, learnt).of(PUBLISHED)

    assert pin is not None
    assert (pin.sha256, pin.size_bytes, pin.origin) == (ONE, 7, "first_use")
    assert pin.noted_from == "https://host/x"
    assert pin.noted_at.startswith("20")
    assert "secret" not in learnt.read_text()


def test_only_the_first_bytes_are_noted(learnt: Path) -> None:
    pins = Pins({}, learnt)
    pins.learn(PUBLISHED, ONE, 7, "here")

    pins.learn(PUBLISHED, OTHER, 8, "there")

    assert pins.completed(PUBLISHED).sha256 == ONE


def test_a_supplied_pin_wins_and_nothing_is_noted_beside_it(learnt: Path) -> None:
    Pins({}, learnt).learn(PUBLISHED, ONE, 7, "here")
    pins = Pins({"x-11111111.pth": Pin(sha256=OTHER)}, learnt)
    before = learnt.read_text()

    pins.learn(PUBLISHED, ONE, 7, "here")

    assert pins.completed(PUBLISHED).sha256 == OTHER
    assert learnt.read_text() == before


def test_what_another_process_learns_is_seen(learnt: Path) -> None:
    ours, theirs = Pins({}, learnt), Pins({}, learnt)
    assert ours.of(PUBLISHED) is None

    theirs.learn(PUBLISHED, ONE, 7, "here")

    assert ours.completed(PUBLISHED).sha256 == ONE


def test_many_writers_lose_no_pin(learnt: Path) -> None:
    """The naive way, reading and rewriting one document, loses most of them."""
    files = [WantedFile(reference="x", file_name=f"{n}.pth") for n in range(40)]
    threads = [
        threading.Thread(target=Pins({}, learnt).learn, args=(file, ONE, 1, "here"))
        for file in files
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    pins = Pins({}, learnt)
    assert all(pins.of(file) for file in files)


def test_a_torn_line_costs_its_own_pin_alone(learnt: Path) -> None:
    other = WantedFile(reference="y", file_name="y.pth")
    Pins({}, learnt).learn(PUBLISHED, ONE, 7, "here")
    with learnt.open("a") as file:
        file.write('{"y.pth": {"sha2')

    Pins({}, learnt).learn(other, OTHER, 1, "here")

    assert Pins({}, learnt).completed(PUBLISHED).sha256 == ONE
    assert Pins({}, learnt).completed(other).sha256 == OTHER


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    Pins({}, tmp_path / "absent" / "pins.json").learn(PUBLISHED, ONE, 7, "here")


def test_a_pin_file_has_digests_with_or_without_sizes(tmp_path: Path) -> None:
    path = tmp_path / "site.json"
    path.write_text(json.dumps({"a.pth": {"sha256": ONE, "size_bytes": 3}, "b.pth": OTHER}))

    assert supplied_pins(path) == {
        "a.pth": Pin(sha256=ONE, size_bytes=3),
        "b.pth": Pin(sha256=OTHER),
    }


def test_what_one_catalog_learnt_can_be_supplied_to_another(learnt: Path) -> None:
    """There it is a decision of the site."""
    other = WantedFile(reference="y", file_name="y.pth")
    for file in (PUBLISHED, other):
        Pins({}, learnt).learn(file, ONE, 7, "here")

    supplied = supplied_pins(learnt)

    assert set(supplied) == {"x-11111111.pth", "y.pth"}
    assert {pin.origin for pin in supplied.values()} == {"supplied"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "JSON object"),
        ("{", "Expecting"),
        ('{"a.pth": {}}', "'a.pth' needs a sha256"),
        ('{"a.pth": "F00"}', "'a.pth' needs a sha256"),
        (f'{{"a.pth": {{"sha256": "{ONE}", "size_bytes": -1}}}}', "number of bytes"),
    ],
)
def test_a_pin_file_that_is_none_says_where(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "site.json"
    path.write_text(text)

    with pytest.raises(ValueError, match=words):
        supplied_pins(path)
