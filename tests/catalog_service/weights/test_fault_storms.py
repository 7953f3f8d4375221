"""Servers that go wrong in every way, one after the other: the right bytes or none, and no rest."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog_service.errors import VertebraError
from catalog_service.weights.locations.http_mirror import HttpMirror
from tests.fakes import faults
from tests.fakes.faults import Fault
from tests.fakes.faulty_origin import FaultyOrigin, faulty_origin
from tests.fakes.weight_site import DATA, OTHER, WeightSite, http_client, torchvision_weight

NUMBERS = DATA[-4 * 4096 :]
"""What a conversion keeps as it is, at the end of the file."""
MAX_TRIES = 4

Draw = Callable[[random.Random], Fault]

OTHER_BYTES: tuple[Draw, ...] = (
    lambda dice: faults.flip(dice.randrange(len(DATA)), bit=dice.randrange(8)),
    lambda dice: faults.swap(OTHER),
    lambda dice: faults.shorten(dice.randrange(1, len(DATA))),
)
"""Nothing is wrong with the transfer: only a digest can tell."""

STORM: tuple[Draw, ...] = (
    *OTHER_BYTES,
    lambda dice: faults.truncate(dice.randrange(len(DATA))),
    lambda dice: faults.reset(dice.randrange(len(DATA))),
    lambda dice: faults.stall(dice.randrange(len(DATA))),
    lambda dice: faults.piecemeal(dice.randrange(1, len(DATA))),
    lambda dice: faults.shifted(dice.randrange(1, 1000)),
    lambda dice: faults.etag(f'"{dice.random()}"'),
    lambda dice: faults.etag(None),
    lambda dice: faults.status(dice.choice([403, 404, 416, 429, 500, 503])),
    lambda dice: faults.length(-1),
    lambda dice: faults.length(dice.randrange(1, len(DATA))),
    lambda dice: faults.no_range(),
    lambda dice: faults.ignore_if_range(),
    lambda dice: faults.content_range(dice.choice([None, "bytes 5-9/10", "x"])),
    lambda dice: faults.gzipped(),
    lambda dice: faults.html(),
    lambda dice: faults.redirect_loop(),
    lambda dice: faults.hostile_names(),
    lambda dice: faults.healthy(),
)


def storm(dice: random.Random) -> list[Fault]:
    """Return the faults of a bad day, other bytes among the first of them."""
    others = [dice.choice(STORM)(dice) for _ in range(dice.randrange(1, 5))]
    others.insert(dice.randrange(2), dice.choice(OTHER_BYTES)(dice))
    return others


def found(site: WeightSite, weight) -> bytes | None:
    """Return the numbers that a search finds, or None where it says why it found nothing."""
    try:
        return site.find(weight)[-len(NUMBERS) :]
    except VertebraError as error:
        assert "step.2" in error.metadata, repr(error)
        return None


@pytest.fixture(scope="module")
def mirror():
    """One server for all days."""
    with faulty_origin() as origin:
        yield origin


def site_of(folder: Path, mirror: FaultyOrigin, *, stall_timeout_s: float) -> WeightSite:
    """Return the site of a folder; a second one knows what the first has left."""
    client = http_client(stall_timeout_s=stall_timeout_s, connect_timeout_s=60.0, num_retries=0)
    return WeightSite(folder, [HttpMirror(mirror.url, client, is_offline=False)])


@pytest.mark.parametrize(
    "seed", [*range(12), *(pytest.param(seed, marks=pytest.mark.full) for seed in range(12, 200))]
)
def test_a_storm_gives_the_right_bytes_or_none(mirror: FaultyOrigin, tmp_path, seed: int):
    """Whatever arrived before, a healthy server ends it well."""
    dice = random.Random(seed)
    weight = torchvision_weight("https://publisher.invalid/resnet18.pth")
    path = f"/{weight.file_name}"
    mirror.heal(path)
    mirror.add(path, DATA)
    site = site_of(tmp_path, mirror, stall_timeout_s=0.2)

    mirror.fault(path, *storm(dice))
    results = [found(site, weight) for _ in range(MAX_TRIES)]
    mirror.heal(path)
    results.append(found(site_of(tmp_path, mirror, stall_timeout_s=60.0), weight))

    assert {numbers for numbers in results if numbers} == {NUMBERS}
    assert results[-1] == NUMBERS
    assert site.left_behind() == []
