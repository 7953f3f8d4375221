"""Requests as no client of ours would send them, to every rpc of a catalog that asks nobody.

They end with a status of the contract and its reason: never a bug, a stack trace or a secret.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import grpc
import psutil
import pytest
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from tests.contract.conftest import MODEL, World
from tests.contract.random_messages import damage, scramble
from tests.contract.test_every_rpc import (
    RPCS,
    Rpc,
    documented,
    error_info,
    good_requests,
    serialised,
)
from tests.services import running_catalog
from vertebra.catalog_client import CatalogClient

CATALOG_RPCS = [rpc for rpc in RPCS if rpc.server == "catalog"]

FEW, MANY = 12, 10_000
"""Requests to each rpc, and to all of them together in `make test-full`."""

MOST_MB = 300
"""Of the service, after all of them; it begins with 80."""

ANYWHERE = {"INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"}
"""What the serving side answers whatever the rpc: undecodable or too large, too many at once."""

SECRET = "hf_" + "s3cr3t" * 5

SHARES = (0.15, 0.5, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a call ended."""

    status: str
    text: str


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[World]:
    """A catalog of this file's own: pruning and deleting spoil no other test."""
    home = tmp_path_factory.mktemp("malformed")
    with (
        running_catalog(home, HF_TOKEN=SECRET) as catalog,
        CatalogClient(catalog.address) as client,
    ):
        backbone = client.build_model(MODEL).parts[0].blob.name
        client.register_checkpoint(
            checkpoint_id="first", architecture_id="resnet18", blob_name=backbone
        )
        yield World(
            catalog=catalog,
            trainer=catalog,
            images=home,
            backbone_blob=backbone,
            export_blob=backbone,
            job="",
        )


def ended(rpc: Rpc, channel: grpc.Channel, requests: list[bytes]) -> Ended:
    """Return how one call ended; a refusal must say why in the contract's form."""
    try:
        rpc.call(channel, requests)
    except grpc.RpcError as error:
        info = error_info(error)
        assert (info.domain, bool(info.reason)) == ("vertebra", True), error
        return Ended(status=error.code().name, text=f"{error.details()} {info}")
    return Ended(status="OK", text="")


def malformed(rpc: Rpc, good: list[bytes], chance: random.Random) -> list[bytes]:
    """Return requests that differ from good ones in fields or in bytes."""
    kind = GetMessageClass(rpc.method.input_type)
    if chance.random() < 0.3:
        return [shortened(damage(data, chance), kind) for data in good]
    messages = [kind.FromString(data) for data in good]
    for message in messages:
        scramble(message, chance, chance.choice(SHARES))
        tame(message)
    return [message.SerializeToString() for message in messages]


def tame(message: Message) -> None:
    """Keep a build or a held stream from taking minutes: both do what is asked of them."""
    if message.DESCRIPTOR.name == "BuildModelRequest":
        message.definition_only = True
    if lasts(message):
        message.duration.seconds = 0


def lasts(message: Message) -> bool:
    """Whether a stream is asked for that lasts for seconds, rightly."""
    return message.DESCRIPTOR.name == "HoldStreamRequest" and message.duration.seconds > 0


def shortened(data: bytes, kind: type[Message]) -> bytes:
    """Return damaged bytes, but where they ask for a stream that lasts."""
    try:
        message = kind.FromString(data)
    except DecodeError:
        return data
    if not lasts(message):
        return data
    tame(message)
    return message.SerializeToString()


def ends_of(site: World, rpc: Rpc, num_requests: int) -> Counter[str]:
    """Send malformed requests to one rpc; return how they ended."""
    chance = random.Random(f"{rpc} 5")
    allowed = ANYWHERE | {"OK"} | {word.strip(",:.") for word in documented(rpc.name).split()}
    statuses: Counter[str] = Counter()
    with grpc.insecure_channel(site.catalog.address) as channel:
        good = serialised(rpc, good_requests(site, rpc))
        for _ in range(num_requests):
            requests = malformed(rpc, good, chance)
            end = ended(rpc, channel, requests)
            assert end.status in allowed, (end, requests)
            assert "Traceback" not in end.text and SECRET not in end.text, (end, requests)
            statuses[end.status] += 1
    return statuses


@pytest.mark.parametrize("rpc", CATALOG_RPCS, ids=str)
def test_a_malformed_request_ends_with_a_status_of_the_contract(site, rpc, counted):
    statuses = ends_of(site, rpc, FEW)

    assert statuses.total() == FEW
    counted(malformed_requests=statuses.total())


@pytest.mark.full
@pytest.mark.parametrize("rpc", CATALOG_RPCS, ids=str)
def test_thousands_of_malformed_requests_end_with_a_status_of_the_contract(site, rpc, counted):
    """All parameters together are 10,000 requests."""
    statuses = ends_of(site, rpc, -(-MANY // len(CATALOG_RPCS)))

    assert statuses["INVALID_ARGUMENT"] > 0, statuses
    counted(malformed_requests=statuses.total())


def test_what_was_malformed_is_not_kept(site, counted):
    """Runs after the requests above."""
    mb = psutil.Process(site.catalog.pid).memory_info().rss / 1e6

    assert mb < MOST_MB
    counted.most(mb_of_the_catalog=round(mb))


def test_the_log_has_no_secret_and_no_bug(site):
    """Runs last: what the requests above left there."""
    log = site.catalog.log.read_text()

    assert SECRET not in log
    assert "Traceback" not in log
