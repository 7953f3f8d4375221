"""The catalog's client: pages, builds, errors, request ids, repeats."""

import uuid
from pathlib import Path

import grpc
import pytest

from tests.clients.python.conftest import Serve
from tests.fakes.fake_catalog import ROWS, FakeCatalog
from tests.fakes.fake_trainer import FakeTrainer
from vertebra.catalog.v1 import model_service_pb2 as models
from vertebra.catalog_client import CatalogClient
from vertebra.client_errors import AnswerRefused, RpcFailed, ServiceUnreachable, Violation
from vertebra.connection import Pace
from vertebra.state_file import read_header
from vertebra.trainer_client import TrainerClient
from vertebra.wire_json import FieldInvalid


def test_lists_walk_through_all_pages(catalog: FakeCatalog, catalog_client: CatalogClient) -> None:
    names = [row.architecture_id for row in catalog_client.list_architectures("family = resnet")]

    assert names == [row[0] for row in ROWS]
    assert catalog.filters == ["family = resnet"] * 3


def test_pages_are_fetched_when_they_are_needed(
    catalog: FakeCatalog, catalog_client: CatalogClient
) -> None:
    next(catalog_client.list_weights())

    assert len(catalog.filters) == 1


def test_an_error_has_code_reason_and_sentence(catalog_client: CatalogClient) -> None:
    with pytest.raises(RpcFailed) as caught:
        catalog_client.get_architecture("resnet51")

    assert caught.value.code is grpc.StatusCode.NOT_FOUND
    assert caught.value.reason == "ARCHITECTURE_NOT_FOUND"
    assert str(caught.value).startswith("no architecture 'resnet51'; closest are resnet50")


def test_nothing_at_the_address_is_said_at_once() -> None:
    with CatalogClient("localhost:1") as client, pytest.raises(ServiceUnreachable) as caught:
        client.get_architecture("resnet18")

    assert "no service answers at localhost:1" in str(caught.value)


def test_an_address_that_is_none_is_told_without_remains_of_a_list() -> None:
    """The transport puts its reasons into brackets."""
    with (
        CatalogClient("dns:///:::1") as client,
        pytest.raises(ServiceUnreachable, match=r"\(misformatted domain name\)"),
    ):
        client.get_architecture("resnet18")


def test_a_build_at_a_dead_address_is_not_waited_for() -> None:
    pace = Pace(first_patience_s=0.2)
    with CatalogClient("localhost:1", pace=pace) as client, pytest.raises(ServiceUnreachable):
        client.build_model({"backbone": "resnet18"})


@pytest.mark.parametrize(
    "failure",
    [
        (grpc.StatusCode.UNAVAILABLE, "draining"),
        (grpc.StatusCode.INTERNAL, "Stream removed (RST_STREAM with error code 2)"),
        (grpc.StatusCode.CANCELLED, "too many pending requests"),
    ],
)
def test_a_call_is_repeated_when_the_way_broke_and_keeps_its_request_id(
    catalog: FakeCatalog,
    catalog_client: CatalogClient,
    tmp_path: Path,
    failure: tuple[grpc.StatusCode, str],
) -> None:
    blob = catalog.blobs.keep(b"backbone")
    catalog.failures = [failure, failure]

    catalog_client.register_checkpoint(
        checkpoint_id="letters", architecture_id="resnet18", blob_name=blob.name
    )

    assert len(catalog.request_ids) == 3
    assert len(set(catalog.request_ids)) == 1
    uuid.UUID(catalog.request_ids[0])


@pytest.mark.parametrize("call", ["get", "build"])
def test_a_busy_service_is_given_the_time_that_it_asks_for(
    catalog: FakeCatalog, serve: Serve, call: str
) -> None:
    waits: list[float] = []
    catalog.busy = [0.5, 4.0]

    with CatalogClient(serve(catalog), pace=Pace(sleep=waits.append)) as client:
        if call == "get":
            client.get_architecture("resnet18")
        else:
            client.build_model({"backbone": "resnet18"})

    assert waits == [0.5, 4.0]


def test_a_service_that_is_busy_for_long_has_refused(
    catalog: FakeCatalog, catalog_client: CatalogClient
) -> None:
    catalog.busy = [60.0, 60.0]

    with pytest.raises(RpcFailed) as caught:
        catalog_client.get_architecture("resnet18")

    assert (caught.value.reason, caught.value.retry_after_s) == ("SERVER_BUSY", 60.0)
    assert len(catalog.busy) == 1


def test_a_refusal_is_not_repeated(catalog: FakeCatalog, catalog_client: CatalogClient) -> None:
    catalog.failures = [(grpc.StatusCode.INVALID_ARGUMENT, "no")] * 5

    with pytest.raises(RpcFailed, match="no"):
        catalog_client.get_architecture("resnet18")

    assert len(catalog.failures) == 4


def test_a_registered_checkpoint_keeps_what_was_said_about_it(
    catalog: FakeCatalog, catalog_client: CatalogClient
) -> None:
    blob = catalog.blobs.keep(b"backbone")

    catalog_client.register_checkpoint(
        checkpoint_id="letters",
        architecture_id="resnet18",
        blob_name=blob.name,
        lineage={"method": "simclr"},
        metrics={"knn": 0.8},
        request_id="11111111-1111-1111-1111-111111111111",
    )

    assert catalog.request_ids == ["11111111-1111-1111-1111-111111111111"]
    (listed,) = catalog_client.list_checkpoints()
    assert listed == catalog_client.get_checkpoint("checkpoints/letters")
    assert listed.lineage.method == "simclr"
    assert dict(listed.metrics) == {"knn": 0.8}


def test_a_build_reports_progress_and_returns_the_model(catalog_client: CatalogClient) -> None:
    seen: list[models.BuildProgress] = []

    model = catalog_client.build_model({"backbone": "resnet18"}, on_progress=seen.append)

    assert model.spec.backbone == "resnet18"
    assert [one.message for one in seen] == ["mirror: hit"]


@pytest.mark.parametrize("how", ["cut", "rotate", "broken"])
def test_a_build_whose_stream_breaks_is_asked_for_again(
    catalog: FakeCatalog, catalog_client: CatalogClient, how: str
) -> None:
    catalog.build_breaks = [how, how]

    model = catalog_client.build_model({"backbone": "resnet18"})

    assert model.num_parameters == 11_689_512
    assert catalog.build_breaks == []


def test_a_build_called_complete_without_a_model_is_refused(
    catalog: FakeCatalog, catalog_client: CatalogClient
) -> None:
    catalog.build_breaks = ["empty"]

    with pytest.raises(AnswerRefused, match="no model came"):
        catalog_client.build_model({"backbone": "resnet18"})


def test_an_unknown_field_of_a_spec_names_the_nearest_one(catalog_client: CatalogClient) -> None:
    with pytest.raises(FieldInvalid, match="unknown field 'back_bone'; did you mean 'backbone'"):
        catalog_client.build_model({"back_bone": "resnet18"})


def test_the_state_of_a_model_is_saved_as_one_file(
    catalog_client: CatalogClient, tmp_path: Path
) -> None:
    model = catalog_client.build_model({"backbone": "resnet18"})

    path = catalog_client.save_state(model, tmp_path / "out" / "model.safetensors")

    assert [tensor.name for tensor in read_header(path)] == ["bn", "conv", "fc"]
    assert [one.name for one in path.parent.iterdir()] == ["model.safetensors"]


def test_a_definition_has_no_state_to_save(catalog_client: CatalogClient, tmp_path: Path) -> None:
    model = catalog_client.build_model({"backbone": "resnet18"}, definition_only=True)

    with pytest.raises(ValueError, match="definition_only"):
        catalog_client.save_state(model, tmp_path / "model.safetensors")


def test_the_other_service_at_the_address_is_named(serve: Serve, trainer: FakeTrainer) -> None:
    with CatalogClient(serve(trainer)) as client, pytest.raises(RpcFailed) as caught:
        client.get_architecture("resnet18")

    assert "does not know this call" in str(caught.value)


def test_violations_are_listed_one_by_one(
    trainer: FakeTrainer, trainer_client: TrainerClient
) -> None:
    trainer.refusal = (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", "num_epochs: too few")

    with pytest.raises(RpcFailed) as caught:
        trainer_client.plan({"model": {"backbone": "resnet18"}})

    assert caught.value.violations == (
        Violation(field="spec.num_epochs", description="must be at least 1"),
    )
