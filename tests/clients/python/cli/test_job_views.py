"""What people see of plans, data, curves and classes; against fakes that say everything."""

from collections.abc import Iterable
from io import StringIO

import pytest
from rich.console import Console, RenderableType
from rich.progress import Progress

from tests.clients.python.conftest import Shell
from tests.fakes import told_jobs
from tests.fakes.fake_trainer import FakeTrainer, epoch, training_script
from vertebra.cli.curve_words import (
    LEVELS,
    WIDTH,
    curves_of,
    curves_view,
    series_view,
    sparkline,
)
from vertebra.cli.data_words import data_view
from vertebra.cli.evaluation_words import evaluation_view
from vertebra.cli.job_words import event_line, print_export
from vertebra.cli.jobs import print_rows
from vertebra.cli.live_job import LiveJob
from vertebra.cli.plan_words import plan_view
from vertebra.trainer.v1 import evaluation_pb2 as evaluation
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer.v1 import train_run_pb2 as runs
from vertebra.trainer_client import TrainerClient


def shown(*parts: RenderableType | None, width: int = 120) -> list[str]:
    """Return the lines on a terminal without colours."""
    page = Console(file=StringIO(), width=width, color_system=None, highlight=False)
    for part in parts:
        assert part is not None
        page.print(part)
    return [line.rstrip() for line in page.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def cells(lines: Iterable[str]) -> list[list[str]]:
    """Return the words of every line."""
    return [line.split() for line in lines]


def test_a_plan_of_phases_says_when_how_much_trains() -> None:
    lines = shown(plan_view(told_jobs.gradual_plan()))

    assert "1      at once        5.1 k  11.2 M  0.001" in lines
    assert "2      after 1 epoch  8.4 M   2.8 M  0.0001 to 0.001" in lines


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("task", "segmentation"),
        ("classes", "2: background, cat"),
        ("loss", "bce dice, class weights balanced: 0.5, 4.25"),
        ("judged by", "iou, more is better, every 3 epochs"),
        ("steps", "45, 20 an epoch, 5 of warm-up, 8 images at a time"),
        ("computed once", "what goes into layer4, 2 views of every image"),
    ],
)
def test_a_plan_says_how_is_learned(label: str, value: str) -> None:
    lines = shown(plan_view(told_jobs.gradual_plan()))

    (line,) = [line for line in lines if line.startswith(f"{label} ")]
    assert line.removeprefix(label).strip() == value


@pytest.mark.parametrize(("task", "loss"), [("simclr", "NT-Xent"), ("keypoints", "the detector's")])
def test_a_task_with_a_loss_of_its_own_says_so(task: str, loss: str) -> None:
    lines = shown(plan_view(jobs.TrainPlan(task=task, num_auxiliary_parameters=70_000)))

    assert any(line.startswith("loss") and loss in line for line in lines)
    assert any("70.0 k parameters of a projection" in line for line in lines)


def test_a_data_report_names_files_and_counts_the_rest() -> None:
    lines = shown(data_view(told_jobs.data_report()), width=400)

    assert lines[0] == "images read: 80 to train on, 20 to validate on"
    assert lines[1].startswith(
        "note: 2,007 of the images are left out: /pets/cat/0.png (truncated), "
    )
    assert lines[1].endswith("/pets/cat/4.png (truncated) and 2,002 more")
    assert lines[2] == "note: 1 picture is in both splits: /pets/a.png = /val/a.png"
    assert lines[3] == "note: 'dog' has 20 images, 'cat' has 60"
    assert ["cat", "60", "15"] in cells(lines)


def test_a_phase_says_why_it_begins_and_what_trains() -> None:
    lines = shown(event_line(told_jobs.phase_started()))

    assert lines[0].startswith("phase 2, after 1 epoch: 8.4 M parameters train, 2.8 M stay")
    assert ["layer4", "8.4", "M", "-", "++++++++++"] in cells(lines)


def test_few_classes_have_a_table_and_a_matrix() -> None:
    """A class that is never there has no numbers."""
    lines = shown(*evaluation_view(told_jobs.classes_evaluation(3)))

    assert ["CLASS", "TRUE", "RECALL", "F1"] in cells(lines)
    assert ["class", "1", "93", "0.8010", "0.9000"] in cells(lines)
    assert ["never", "0", "-", "-"] in cells(lines)
    assert ["class", "0", "90", "1", "."] in cells(lines)
    assert ["class", "1", ".", "91", "2"] in cells(lines)


def test_many_classes_have_their_worst_lines_and_largest_mistakes() -> None:
    lines = shown(*evaluation_view(told_jobs.classes_evaluation(60)))

    assert max(map(len, lines)) < 80
    assert "and 20 better ones" in lines
    assert ["class", "0", "91", "0.8000", "0.9000"] in cells(lines)
    assert ["class", "58", "never", "59"] in cells(lines)
    assert sum("class" in line and line.count("class") == 2 for line in lines) == 9


def test_targets_of_a_regression_are_not_counted() -> None:
    target = evaluation.ClassEvaluation(name="age", num_true=20, metrics={"r2": 0.5, "mae": 3.0})

    lines = cells(shown(*evaluation_view(evaluation.Evaluation(classes=[target]))))

    assert lines == [["TARGET", "MAE", "R2"], ["age", "3.0000", "0.5000"]]


def test_an_evaluation_without_classes_shows_nothing() -> None:
    assert evaluation_view(evaluation.Evaluation(metrics={"loss": 3.0})) == []


def test_a_curve_rises_and_falls_as_its_numbers_do() -> None:
    assert sparkline([0.0, 1.0, 0.5]) == f"{LEVELS[0]}{LEVELS[-1]}{LEVELS[4]}"
    assert sparkline([2.0, 2.0]) == LEVELS[0] * 2


def test_a_long_curve_fits_and_keeps_its_shape() -> None:
    line = sparkline([float(number) for number in range(1000)])

    assert len(line) == WIDTH
    assert list(line) == sorted(line)
    assert set(line) == set(LEVELS)


def test_a_curve_is_narrower_on_a_narrow_page_and_its_name_is_whole() -> None:
    points = list(range(100))
    long = runs.MetricSeries(name="validation/precision_macro", num_points=4321)
    long.steps.extend(points)
    long.epochs.extend(points)
    long.values.extend(points)
    page = Console(file=StringIO(), width=80, color_system=None, highlight=False)

    page.print(series_view([long]))

    (line,) = page.file.getvalue().splitlines()[1:]  # type: ignore[attr-defined]
    name, shape, *_, shown, of, whole = line.split()
    assert name == "validation/precision_macro"
    assert 5 < len(shape) < WIDTH
    assert list(shape) == sorted(shape)
    assert (shown, of, whole) == ("100", "of", "4,321")


def test_curves_say_which_epoch_was_best() -> None:
    """Loss falls, accuracy grows; an epoch that was done again counts as it was in the end."""
    told = [
        epoch(1, "validation", 0.9, 0.7),
        epoch(2, "validation", 0.1, 0.99),
        epoch(2, "validation", 0.5, 0.8),
        epoch(3, "validation", 0.6, 0.9),
        epoch(4, "validation", float("nan"), 0.9),
    ]

    lines = cells(shown(curves_view(curves_of(event.epoch_metrics for event in told))))

    assert " ".join(lines[1][:2] + lines[1][3:]) == "validation loss 0.9000 0.6000 0.5000 2"
    assert " ".join(lines[2][:2] + lines[2][3:]) == "validation accuracy 0.7000 0.9000 0.9000 3"


def test_the_live_view_counts_the_epochs_of_a_plan_in_steps() -> None:
    bar = Progress(disable=True)
    job = jobs.TrainJob(plan=told_jobs.gradual_plan())
    watching = LiveJob(bar, job, shows_plan=False)
    event = epoch(1, "train", 1.0, 0.5)
    event.step_metrics.epoch, event.step_metrics.step = 1, 20

    watching.show(event)

    assert bar.tasks[0].description == "epoch 1/3"


def test_the_live_view_has_a_line_for_every_validation() -> None:
    """What was trained since the one before is in the curves."""
    page = Console(file=StringIO(), width=120, color_system=None, highlight=False)
    watching = LiveJob(Progress(console=page, disable=True), jobs.TrainJob(), shows_plan=False)

    for event in (
        epoch(1, "train", 0.9, 0.1),
        epoch(2, "train", 0.8, 0.2),
        epoch(2, "validation", 0.7, 0.3),
    ):
        watching.show(event)

    (line,) = page.file.getvalue().splitlines()  # type: ignore[attr-defined]
    trained, validated = (
        "train loss 0.8000 accuracy 0.2000",
        "validation loss 0.7000 accuracy 0.3000",
    )
    assert " ".join(line.split()) == f"epoch 2/? {trained} {validated}"


def numbered(*told: events.TrainEvent) -> list[events.TrainEvent]:
    """Return the events with numbers that follow the script's."""
    for seq, event in enumerate(told, start=len(training_script()) + 1):
        event.seq = seq
    return list(told)


def test_a_job_is_shown_whole(shell: Shell, with_trainer: FakeTrainer) -> None:
    """Plan, data, curves and classes, in this order."""
    with_trainer.script += numbered(told_jobs.data_checked(), told_jobs.phase_started())
    job = with_trainer.keep("abcd1234")
    job.plan.main_metric = "loss"
    job.evaluation.CopyFrom(told_jobs.classes_evaluation(3))

    code, out, err = shell("jobs", "show", "abcd")
    _, listed, _ = shell("jobs", "ls")

    wanted = (
        "succeeded",
        "note: batches of 2 images",
        "5.1 k parameters train",
        "images read: 80 to train on",
        "train loss",
        "TRUE \\ TAKEN FOR",
        "exported to",
    )
    assert code == 0, err
    places = [out.index(text) for text in wanted]
    assert places == sorted(places)
    assert "loss 0.3000" in listed


def test_a_job_that_is_tried_again_says_when_to_the_second(
    shell: Shell, with_trainer: FakeTrainer
) -> None:
    """It may be in ten seconds."""
    job = with_trainer.keep("abcd1234")
    job.not_before.FromSeconds(1_700_000_009)

    _, out, _ = shell("jobs", "show", "abcd")

    (line,) = [line for line in out.splitlines() if line.startswith("waits until")]
    assert line.endswith(":29")


def test_without_a_name_the_newest_job_is_shown(shell: Shell, with_trainer: FakeTrainer) -> None:
    """The service lists the newest first."""
    nothing, _, err = shell("jobs", "show")
    with_trainer.keep("abcd1234")
    with_trainer.keep("0123abcd")

    _, shown, _ = shell("jobs", "show")
    code, watched, _ = shell("jobs", "watch")

    assert (nothing, "there are no jobs" in err) == (4, True)
    assert shown.startswith("abcd1234")
    assert code == 0 and "epoch 2/2" in watched


def test_history_is_read_page_by_page(trainer_client: TrainerClient, trainer: FakeTrainer) -> None:
    trainer.keep("abcd")
    trainer.page_size = 4

    told = list(trainer_client.history("abcd"))

    assert [event.seq for event in told] == [event.seq for event in trainer.script]


def test_curves_of_a_job_whose_first_events_are_gone_are_whole(
    shell: Shell, with_trainer: FakeTrainer
) -> None:
    """The trainer keeps them as long as the job."""
    with_trainer.keep("abcd1234")
    with_trainer.compacted = 10

    code, out, _ = shell("jobs", "show", "abcd")

    lines = cells(out.splitlines())
    assert code == 0
    assert ["validation", "accuracy", "▁█", "0.7000", "0.9100", "0.9100", "2"] in lines
    assert with_trainer.life.requests[-1].series == ["train/*", "validation/*"]


def test_a_plan_says_how_a_job_is_saved_and_on_how_many_devices() -> None:
    plan = jobs.TrainPlan(num_devices=2)
    plan.snapshots.size_bytes = 134_200_000
    plan.snapshots.save_time.FromMilliseconds(1400)
    plan.snapshots.interval.FromSeconds(70)
    plan.snapshots.possible_loss.FromSeconds(72)

    lines = [" ".join(line) for line in cells(shown(plan_view(plan)))]

    saved = "saved every 1:10, 134.2 MB in about 1.4 s; a crash loses 1:12 of training at most"
    assert saved in lines
    assert "devices 2, each on its part" in lines


def test_a_job_of_several_attempts_says_how_each_ended(
    shell: Shell, with_trainer: FakeTrainer
) -> None:
    job = with_trainer.keep("abcd1234")
    job.spec.labels["team"] = "vision"
    for number, exit_class in enumerate((runs.EXIT_CLASS_CRASHED, runs.EXIT_CLASS_FINISHED), 1):
        job.attempts.add(
            number=number,
            host="a1",
            start_time={"seconds": 1_700_000_000},
            end_time={"seconds": 1_700_000_061},
            exit_class=exit_class,
            start_step=80 * (number - 1),
            last_step=90,
        )
    job.snapshot.name, job.snapshot.step = "trainJobs/abcd1234/snapshots/2-90", 90

    _, out, _ = shell("jobs", "show", "abcd")

    lines = [" ".join(line) for line in cells(out.splitlines())]
    assert any(
        line.startswith("1 north") and line.endswith("1:01 0 to 90 crashed") for line in lines
    )
    assert any(line.endswith("80 to 90 finished") for line in lines)
    assert "labels team=vision" in lines
    assert any(line.startswith("snapshot 2-90: step 90, 0 epochs done") for line in lines)


def test_the_folder_of_an_export_is_one_line_on_a_narrow_page() -> None:
    folder = "/a/home/of/some/length/jobs/4a69abc9bfa746a3bf74b11b100d9882/attempt-1/export"
    file = jobs.ExportFile(kind=jobs.ExportFile.KIND_BACKBONE_CKPT, path=f"{folder}/backbone.ckpt")
    page = Console(file=StringIO(), width=60, color_system=None, highlight=False)

    print_export(page, jobs.Export(files=[file], backbone_digest="sha256:abcd"))

    lines = page.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert [line.rstrip() for line in lines] == [
        f"exported to           {folder}",
        "backbone, torch.load  backbone.ckpt",
        "backbone digest       abcd",
    ]


def test_a_list_of_jobs_has_whole_ids_on_a_narrow_page() -> None:
    job = jobs.TrainJob(job_id="4a69abc9bfa746a3", state=jobs.JOB_STATE_CANCELLED)
    job.progress.step, job.progress.num_steps = 1349, 1350
    job.progress.epoch, job.progress.num_epochs = 30, 30
    job.metrics["validation/accuracy"] = 0.9749
    job.spec.display_name = "night-of-resnets"
    page = Console(file=StringIO(), width=80, color_system=None, highlight=False)

    print_rows(page, [job], is_filtered=False)

    (_, line) = page.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert line.split() == [
        *("4a69abc9", "cancelled", "99.93", "%,", "epoch", "30/30", "accuracy", "0.9749"),
        "night-of-resnets",
    ]
