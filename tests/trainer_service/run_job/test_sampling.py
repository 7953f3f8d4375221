"""Sample predictions of whole jobs: they change no number, and no job fails for want of them."""

from dataclasses import replace
from pathlib import Path

from tests.fakes.work_orders import write_tiny_order
from trainer_service.jobs import EpochMetrics, Export, JobEvent, JobWarning, PredictionSample
from trainer_service.run_job import run_job
from trainer_service.stop_switch import StopSwitch


def run(folder: Path, run_folder: str) -> tuple[Export, list[JobEvent]]:
    """Run a tiny job; return its export and its events."""
    events: list[JobEvent] = []
    order = replace(write_tiny_order(folder, num_epochs=1), run_folder=run_folder)
    (export,) = run_job(order, events.append, StopSwitch()).exports
    return export, events


def samples_of(export: Export) -> list[PredictionSample]:
    """Return what the pictures show."""
    return [file.sample for file in export.files if file.sample is not None]


def test_a_job_with_pictures_learns_what_one_without_learns(tmp_path: Path) -> None:
    with_pictures, events = run(tmp_path / "with", str(tmp_path / "run"))
    without, others = run(tmp_path / "without", "")

    assert samples_of(with_pictures) and not samples_of(without)
    assert with_pictures.state_digest == without.state_digest
    metrics = [[e for e in each if isinstance(e, EpochMetrics)] for each in (events, others)]
    assert metrics[0] == metrics[1]


def test_pictures_name_images_of_their_own_class(tmp_path: Path) -> None:
    export, _ = run(tmp_path, str(tmp_path / "run"))

    told = samples_of(export)
    assert told == sorted(told, key=lambda each: each.is_right is True), "the wrong ones are first"
    assert all(Path(each.image).parent.name == each.truth for each in told)
    assert all(each.is_right == each.prediction.startswith(f"{each.truth} (") for each in told)


def test_a_picture_that_cannot_be_drawn_is_a_warning(tmp_path: Path) -> None:
    in_the_way = tmp_path / "run" / "sample-1.png"
    in_the_way.mkdir(parents=True)

    export, events = run(tmp_path, str(tmp_path / "run"))

    assert export.state_digest and not samples_of(export)
    (warning,) = [event for event in events if isinstance(event, JobWarning)]
    assert warning.code == "SAMPLES_MISSING"
    assert "sample-1.png" in warning.text
