"""Servers that hang are left within their stall timeout, and the next location has the bytes."""

import time

import pytest

from catalog_service.weights.locations.http_mirror import HttpMirror
from catalog_service.weights.locations.location import Location
from catalog_service.weights.locations.origin import Origin
from catalog_service.weights.trail import Outcome, WeightsUnreachable
from tests.fakes import faults
from tests.fakes.faults import Fault
from tests.fakes.faulty_origin import FaultyOrigin, faulty_origin
from tests.fakes.weight_site import DATA, WeightSite, http_client, torchvision_weight

STALL_TIMEOUT_S = 0.4
MANY_S = 60.0
"""What no hang may last: 150 times the timeout, for busy machines."""

HANGS: dict[str, Fault] = {
    "never answers": faults.stall_headers(),
    "drips headers": faults.drip_headers(0.05),
    "stops in the body": faults.stall(5000),
    "drips the body": faults.drip(piece_bytes=1, every_s=0.02),
}


@pytest.fixture
def server():
    """The publisher."""
    with faulty_origin() as origin:
        yield origin


@pytest.fixture
def mirror():
    """What hangs."""
    with faulty_origin() as origin:
        yield origin


def mirror_of(server: FaultyOrigin) -> Location:
    client = http_client(connect_timeout_s=0.2, stall_timeout_s=STALL_TIMEOUT_S)
    return HttpMirror(server.url, client, is_offline=False)


@pytest.mark.parametrize("name", HANGS)
def test_a_mirror_that_hangs_is_left_for_the_origin(
    server: FaultyOrigin, mirror: FaultyOrigin, tmp_path, name: str
):
    """A socket's own timeout alone would wait for ever where a byte comes now and then."""
    weight = torchvision_weight(server.add("/resnet18.pth", DATA))
    path = f"/{weight.file_name}"
    mirror.add(path, DATA)
    mirror.always(path, HANGS[name])
    origin = Origin(http_client(), hub_endpoint="https://hub.invalid", is_offline=False)
    site = WeightSite(tmp_path, [mirror_of(mirror), origin])
    began = time.monotonic()

    assert site.find(weight)

    assert time.monotonic() - began < MANY_S
    [left] = [told.left for told in site.told if told.left and told.location.startswith("mirror")]
    assert left.outcome is Outcome.UNREACHABLE
    assert len(mirror.requests) == 1


def test_where_all_hang_it_is_a_reason_to_try_again(mirror: FaultyOrigin, tmp_path):
    """Not a missing file and not a broken one."""
    weight = torchvision_weight("https://publisher.invalid/resnet18.pth")
    mirror.add(f"/{weight.file_name}", DATA)
    mirror.always(f"/{weight.file_name}", faults.stall(5000))
    site = WeightSite(tmp_path, [mirror_of(mirror)])

    with pytest.raises(WeightsUnreachable, match=f"after 5000 of {len(DATA)} bytes"):
        site.find(weight)


def test_what_came_before_a_stall_is_not_asked_for_again(mirror: FaultyOrigin, tmp_path):
    """The next search goes on behind it."""
    weight = torchvision_weight("https://publisher.invalid/resnet18.pth")
    path = f"/{weight.file_name}"
    mirror.add(path, DATA)
    mirror.fault(path, faults.stall(5000))
    site = WeightSite(tmp_path, [mirror_of(mirror)])
    with pytest.raises(WeightsUnreachable):
        site.find(weight)

    assert site.find(weight)

    assert mirror.gets(path)[1].range == "bytes=5000-"
