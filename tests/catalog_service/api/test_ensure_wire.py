"""Every word of the search has its word in the contract."""

from typing import get_args, get_type_hints

from catalog_service.api import ensure_wire
from catalog_service.resolve.explain import Availability
from catalog_service.weights.progress import Progress
from catalog_service.weights.trail import Outcome, Remedy, Step
from vertebra.catalog.v1 import weights_service_pb2 as pb


def test_every_outcome_has_one_of_its_own() -> None:
    assert set(ensure_wire.OUTCOMES) == set(Outcome)
    assert sorted(ensure_wire.OUTCOMES.values()) == sorted(pb.TrailStep.Outcome.values())[1:]


def test_every_availability_and_every_kind_of_remedy_has_one_of_its_own() -> None:
    assert set(ensure_wire.AVAILABILITIES) == set(get_args(Availability))
    assert sorted(ensure_wire.AVAILABILITIES.values()) == sorted(pb.Availability.values())[1:]
    assert set(ensure_wire.REMEDIES) == set(get_args(get_type_hints(Remedy)["kind"]))
    assert sorted(ensure_wire.REMEDIES.values()) == sorted(pb.Remedy.Kind.values())[1:]


def test_every_step_of_the_contract_can_be_told() -> None:
    assert sorted(ensure_wire.STEPS.values()) == sorted(pb.EnsureProgress.Step.values())[1:]


def test_a_location_that_was_left_travels_with_its_reason() -> None:
    left = Step(location="mirror", outcome=Outcome.UNREADABLE, detail="no permission", place="/m/x")

    message = ensure_wire.progress_message(Progress(step="resolving", text="t", left=left))

    assert message.progress.left == pb.TrailStep(
        location="mirror",
        outcome=pb.TrailStep.OUTCOME_UNREADABLE,
        detail="no permission",
        place="/m/x",
    )
    assert not message.progress.HasField("remaining")
