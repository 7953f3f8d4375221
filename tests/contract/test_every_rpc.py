"""Every rpc of the running services answers with its payload, and fails only as documented."""

import base64
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

from tests.contract.test_protos import COMMENTS
from vertebra.blob.v1 import blob_service_pb2
from vertebra.blob.v1.blob_service_pb2_grpc import BlobServiceStub
from vertebra.catalog.v1 import (
    architecture_service_pb2,
    checkpoint_service_pb2,
    model_service_pb2,
    storage_service_pb2,
    weights_service_pb2,
)
from vertebra.catalog.v1.storage_service_pb2_grpc import StorageServiceStub
from vertebra.diagnostics.v1 import path_service_pb2
from vertebra.trainer.v1 import train_job_service_pb2

FILES = {
    "catalog": (
        architecture_service_pb2,
        weights_service_pb2,
        model_service_pb2,
        checkpoint_service_pb2,
        storage_service_pb2,
        blob_service_pb2,
        path_service_pb2,
    ),
    "trainer": (train_job_service_pb2, blob_service_pb2, path_service_pb2),
}
pytestmark = pytest.mark.usefixtures("quiet_afterwards")

DEADLINE_S = 60
HEAD = {"classification": {"num_classes": 2}}
BUNDLE = {"selection": {"names": ["checkpoints/first"]}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rpc:
    """One method of one running service."""

    server: str
    service: str
    method: object

    @property
    def path(self) -> str:
        """As gRPC spells it."""
        return f"/{self.service}/{self.method.name}"

    @property
    def name(self) -> str:
        """As the contract spells it."""
        return f"{self.service}.{self.method.name}"

    def __str__(self) -> str:
        return f"{self.server}:{self.method.name}"

    def call(self, channel: grpc.Channel, requests: list[bytes]) -> list[Message]:
        """Send serialised requests; return all answers."""
        answer_class = GetMessageClass(self.method.output_type)
        streams = (self.method.client_streaming, self.method.server_streaming)
        kind = {
            (False, False): channel.unary_unary,
            (False, True): channel.unary_stream,
            (True, False): channel.stream_unary,
            (True, True): channel.stream_stream,
        }[streams]
        stub = kind(self.path, response_deserializer=answer_class.FromString)
        sent = iter(requests) if self.method.client_streaming else requests[0]
        answer = stub(sent, timeout=DEADLINE_S)
        return list(answer) if self.method.server_streaming else [answer]


def all_rpcs() -> Iterator[Rpc]:
    """Yield every method that the contract defines, per server."""
    for server, files in FILES.items():
        for file in files:
            for service in file.DESCRIPTOR.services_by_name.values():
                for method in service.methods:
                    yield Rpc(server=server, service=service.full_name, method=method)


RPCS = sorted(all_rpcs(), key=str)


def blob_name(world, rpc: Rpc) -> str:
    """Return a blob that this server has."""
    return world.backbone_blob if rpc.server == "catalog" else world.export_blob


def good_requests(world, rpc: Rpc) -> list[dict]:
    """Return requests that must succeed; a new rpc needs a row here."""
    backbone = {"backbone": "resnet18"}
    rows: dict[str, Callable] = {
        "ListArchitectures": lambda: [{"filter": "family = resnet", "page_size": 2}],
        "GetArchitecture": lambda: [{"name": "architectures/resnet18"}],
        "ListWeights": lambda: [{"filter": "architecture_id = resnet18"}],
        "GetWeights": lambda: [{"name": "ResNet18_Weights.DEFAULT"}],
        "ExplainWeights": lambda: [{"name": "resnet18"}],
        "EnsureWeights": lambda: [{"name": "checkpoints/first"}],
        "BuildModel": lambda: [{"spec": {**backbone, **HEAD}, "definition_only": True}],
        "DescribeModel": lambda: [{"spec": backbone, "freeze_mode": "last_blocks(2)"}],
        "RenderModel": lambda: [{"spec": {**backbone, **HEAD}, "format": "FORMAT_SVG"}],
        "CheckInput": lambda: [{"spec": backbone, "height_px": 225, "width_px": 191}],
        "ListCompositions": lambda: [{"filter": "backbone = resnet18", "page_size": 2}],
        "AdviseTransfer": lambda: [{"task": "classification", "num_images": 80}],
        "RegisterCheckpoint": lambda: [
            {
                "request_id": str(uuid.uuid4()),
                "checkpoint_id": "second",
                "architecture_id": "resnet18",
                "blob_name": world.backbone_blob,
            }
        ],
        "GetCheckpoint": lambda: [{"name": "checkpoints/first"}],
        "ListCheckpoints": lambda: [{}],
        "IdentifyCheckpoint": lambda: [{"blob_name": world.backbone_blob}],
        "DeleteCheckpoint": lambda: [_named(_fresh_checkpoint(world))],
        "ListEntries": lambda: [{"filter": "kind = checkpoint"}],
        "VerifyCache": lambda: [{"names": [world.backbone_blob]}],
        "PruneCache": lambda: [{"target_bytes": 0, "dry_run": True}],
        "PinBlobs": lambda: [{"names": [world.backbone_blob], "owner": "tests"}],
        "PlanBundle": lambda: [BUNDLE],
        "ExportBundle": lambda: [BUNDLE],
        "ImportBundle": lambda: [_manifest(world)],
        "StatBlob": lambda: [{"name": blob_name(world, rpc)}],
        "ReadBlob": lambda: [{"name": blob_name(world, rpc), "limit": 100}],
        "ReadTensors": lambda: [{"name": blob_name(world, rpc), "header_only": True}],
        "WriteBlob": lambda: [{"header": {}}, {"data": "AAAA"}],
        "QueryWrite": lambda: [{"upload_id": _finished_upload(world, rpc)}],
        "PlanTrainJob": lambda: [{"spec": world.job_spec()}],
        "CreateTrainJob": lambda: [{"request_id": str(uuid.uuid4()), "spec": world.job_spec()}],
        "ListTrainJobs": lambda: [{"filter": "state = succeeded"}],
        "GetTrainJob": lambda: [{"name": world.job}],
        "WatchTrainJob": lambda: [{"name": world.job}],
        "ListTrainJobEvents": lambda: [{"name": world.job, "page_size": 3}],
        "ListExports": lambda: [{"name": world.job}],
        "CancelTrainJob": lambda: [_named(_fresh_job(world))],
        "PauseTrainJob": lambda: [_named(_fresh_job(world))],
        "ResumeTrainJob": lambda: [_named(_over_job(world))],
        "DeleteTrainJob": lambda: [_named(_over_job(world))],
        "ListSnapshots": lambda: [{"name": world.snapshot.partition("/snapshots")[0]}],
        "PinSnapshot": lambda: [{"name": world.snapshot, "pinned": True}],
        "QueryMetrics": lambda: [{"name": world.job, "series": ["validation/*"]}],
        "GetCapacity": lambda: [{}],
        "GetTrainForm": lambda: [{}],
        "Echo": lambda: [{"padding": "AAAA", "answer_bytes": 10}],
        "HoldStream": lambda: [{"duration": "0.1s", "interval": "0.02s"}],
        "CountCalls": lambda: [{"probe_id": str(uuid.uuid4())}],
    }
    return rows[rpc.method.name]()


def _fresh_job(world) -> str:
    """Create a job that can still be cancelled."""
    from vertebra.trainer_client import TrainerClient

    with TrainerClient(world.trainer.address) as client:
        return client.create({**world.job_spec(), "num_epochs": 10_000}).name


def _over_job(world) -> str:
    """Create a job and cancel it before it starts, or wait until that is done."""
    from vertebra.trainer_client import TrainerClient

    with TrainerClient(world.trainer.address) as client:
        name = client.create({**world.job_spec(), "num_epochs": 10_000}).name
        client.cancel(name)
        client.wait(name)
        return name


def _named(name: str) -> dict:
    return {"name": name, "request_id": str(uuid.uuid4())}


def _fresh_checkpoint(world) -> str:
    """Register a checkpoint that nothing refers to."""
    from vertebra.catalog_client import CatalogClient

    with CatalogClient(world.catalog.address) as client:
        name = f"gone-{uuid.uuid4().hex[:8]}"
        return client.register_checkpoint(
            checkpoint_id=name, architecture_id="resnet18", blob_name=world.backbone_blob
        ).name


def _manifest(world) -> dict:
    """Export a bundle of what is here already."""
    request = storage_service_pb2.ExportBundleRequest(
        selection=storage_service_pb2.BundleSelection(names=["checkpoints/first"])
    )
    with grpc.insecure_channel(world.catalog.address) as channel:
        answers = list(StorageServiceStub(channel).ExportBundle(request, timeout=DEADLINE_S))
    (manifest,) = [one.manifest.json for one in answers if one.HasField("manifest")]
    return {"manifest_json": base64.b64encode(manifest).decode()}


def _finished_upload(world, rpc: Rpc) -> str:
    """Upload a few bytes under an id of the client's."""
    upload_id = str(uuid.uuid4())
    requests = [
        blob_service_pb2.WriteBlobRequest(header={"upload_id": upload_id}),
        blob_service_pb2.WriteBlobRequest(data=b"three"),
    ]
    service = world.catalog if rpc.server == "catalog" else world.trainer
    with grpc.insecure_channel(service.address) as channel:
        BlobServiceStub(channel).WriteBlob(iter(requests), timeout=DEADLINE_S)
    return upload_id


def documented(name: str) -> str:
    """Return an rpc's errors, with those of the rpcs that it refers to."""
    errors = COMMENTS[name].partition("Errors:")[2]
    return errors + "".join(
        text.partition("Errors:")[2]
        for other, text in COMMENTS.items()
        if other != name and re.search(rf"\b[Aa]s .*\b{other.rpartition('.')[2]}\b", errors)
    )


def serialised(rpc: Rpc, requests: list[dict]) -> list[bytes]:
    """Return the requests as bytes."""
    request_class = GetMessageClass(rpc.method.input_type)
    return [
        json_format.ParseDict(request, request_class()).SerializeToString() for request in requests
    ]


def error_info(error: grpc.RpcError) -> error_details_pb2.ErrorInfo:
    """Return the ErrorInfo of a failed call."""
    trailers = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    return info


@pytest.fixture(params=RPCS, ids=str)
def rpc(request) -> Rpc:
    """Each method in turn."""
    return request.param


@pytest.fixture
def channel(world, rpc) -> Iterator[grpc.Channel]:
    """A connection to the server that has the method."""
    service = world.catalog if rpc.server == "catalog" else world.trainer
    with grpc.insecure_channel(service.address) as channel:
        yield channel


def test_an_rpc_answers_with_its_payload(world, rpc, channel):
    """An rpc of the contract that the server does not have, or answers with nothing, fails here."""
    answers = rpc.call(channel, serialised(rpc, good_requests(world, rpc)))

    assert answers
    assert any(answer.ListFields() or not answer.DESCRIPTOR.fields for answer in answers)


def test_an_empty_request_fails_as_documented_or_succeeds(rpc, channel):
    """Whatever a client forgot, it gets a status that the rpc's comment lists."""
    try:
        answers = rpc.call(channel, [b""])
    except grpc.RpcError as error:
        info = error_info(error)
        assert error.code().name in documented(rpc.name)
        assert info.domain == "vertebra"
        assert error.code().name not in {"UNIMPLEMENTED", "INTERNAL", "UNKNOWN"}
    else:
        assert answers


def test_bytes_that_are_no_message_are_an_invalid_argument(rpc, channel):
    """Not UNKNOWN, not INTERNAL, and no stack trace."""
    with pytest.raises(grpc.RpcError) as caught:
        rpc.call(channel, [b"\xff\xff\xff\xff"])

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "Traceback" not in caught.value.details()
    assert error_info(caught.value).domain == "vertebra"
