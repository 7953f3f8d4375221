"""The command line against fake services: what people and programs read, and how it ends."""

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

import grpc
import pytest
from rich.console import Console
from rich.progress import Progress

from tests.clients.python.conftest import Shell
from tests.fakes.fake_catalog import ROWS, FakeCatalog
from tests.fakes.fake_trainer import FakeTrainer, training_script
from vertebra.cli import main as cli_main
from vertebra.cli.live import follow_job
from vertebra.cli.live_job import LiveJob
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer_client import TrainerClient

DIGITS = ("--backbone", "resnet18", "--digits", "--epochs", "2")


def test_help_imports_neither_grpc_nor_rich() -> None:
    """It starts at once."""
    script = (
        "import sys; from vertebra.cli.main import run; run(['--help'])\n"
        "assert not {'grpc', 'rich', 'google', 'torch'} & set(sys.modules), 'slow imports'"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "Exit codes:" in done.stdout


def commands() -> list[list[str]]:
    """Return every command and group that is there."""
    found: list[list[str]] = []
    for name, (path, _) in cli_main.COMMANDS.items():
        if find_spec(path.partition(":")[0]) is None:
            continue
        command = cli_main.cli.get_command(None, name)  # type: ignore[arg-type]
        found.append([name])
        found += [[name, inner] for inner in getattr(command, "commands", {})]
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(shell: Shell, command: list[str]) -> None:
    code, out, _ = shell(*command, "--help")

    assert code == 0
    is_group = "Commands:" in out
    assert is_group or "Example:\n" in out or command == ["demo"]
    assert "922337" not in out  # what a field can hold is no limit that a person meets
    assert max(len(line) for line in out.splitlines()) <= 100


@pytest.mark.parametrize("name", list(cli_main.COMMANDS))
def test_every_command_of_the_table_is_there(name: str) -> None:
    path, line = cli_main.COMMANDS[name]
    if find_spec(path.partition(":")[0]) is None:
        return

    command = cli_main.cli.get_command(None, name)  # type: ignore[arg-type]

    assert command is not None
    assert command.name == name
    assert len(line) < 60


def test_models_are_listed_for_programs(shell: Shell, with_catalog: FakeCatalog) -> None:
    code, out, _ = shell("models", "ls", "resnet*", "--task", "classification", "--family", "vit")

    assert code == 0
    assert [line.split("\t")[0] for line in out.splitlines()[1:6]] == [row[0] for row in ROWS]
    assert "25557032" in out
    assert with_catalog.filters[0] == (
        'architecture_id : "resnet*" AND task = classification AND family = vit'
    )


def test_models_are_listed_as_json(shell: Shell, with_catalog: FakeCatalog) -> None:
    code, out, _ = shell("models", "ls", "--json")

    rows = json.loads(out)["architectures"]
    assert code == 0
    assert rows[1]["architecture_id"] == "resnet50"
    assert rows[1]["num_parameters"] == "25557032"
    assert rows[4]["is_buildable"] is False


def test_a_model_is_described(shell: Shell, with_catalog: FakeCatalog) -> None:
    code, out, _ = shell("models", "show", "resnet50")

    assert code == 0
    assert "25,557,032" in out
    assert "torchvision/resnet50.IMAGENET1K_V1  (default, ● at hand)" in out


def test_a_model_is_built_and_saved(
    shell: Shell, with_catalog: FakeCatalog, tmp_path: Path
) -> None:
    path = tmp_path / "resnet18.safetensors"

    code, out, _ = shell("models", "build", "resnet18", "--num-classes", "10", "--save", str(path))

    assert code == 0
    assert "120 of 122 tensors" in out
    assert path.stat().st_size > 3000


def test_weights_are_listed_and_described(shell: Shell, with_catalog: FakeCatalog) -> None:
    _, listed, _ = shell("weights", "ls", "resnet")
    _, shown, _ = shell("weights", "show", "resnet50")

    assert "acc@1 76.13" in listed and "local file" in listed
    assert "1000: tench, goldfish, ..." in shown


def test_a_backbone_is_registered_and_listed(
    shell: Shell, with_catalog: FakeCatalog, tmp_path: Path
) -> None:
    file = tmp_path / "backbone.ckpt"
    file.write_bytes(b"tensors")
    what = ("--name", "letters", "--architecture", "resnet18", "--method", "simclr")

    code, out, _ = shell("checkpoints", "register", str(file), *what, "--metric", "knn=0.81")
    _, listed, _ = shell("checkpoints", "ls")

    assert code == 0
    assert "--weights checkpoints/letters" in out
    assert dict(with_catalog.registered["letters"].metrics) == {"knn": 0.81}
    assert "checkpoints/letters" in listed and "simclr" in listed


def test_a_backbone_of_other_structure_is_registered_with_the_flags_that_built_it(
    shell: Shell, with_catalog: FakeCatalog, tmp_path: Path
) -> None:
    file = tmp_path / "backbone.ckpt"
    file.write_bytes(b"tensors")
    what = ("--name", "short", "--architecture", "resnet18", "--channels", "5", "--size", "64x96")
    lacking = ("--remove", "layer4.1", "--remove", "layer3.1", "--arg", "num_hidden_layers=2")

    code, out, _ = shell("checkpoints", "register", str(file), *what, *lacking)

    structure = with_catalog.registered["short"].structure
    assert code == 0
    assert list(structure.remove_modules) == ["layer4.1", "layer3.1"]
    assert (structure.in_channels, structure.image_height_px, structure.image_width_px) == (
        5,
        64,
        96,
    )
    assert structure.arguments["num_hidden_layers"] == 2
    assert "5 channels, without layer4.1, layer3.1, num_hidden_layers=2" in " ".join(out.split())


def test_what_is_not_there_is_said_in_one_sentence(shell: Shell, with_catalog: FakeCatalog) -> None:
    code, out, err = shell("models", "show", "resnet51")

    assert (code, out) == (4, "")
    assert err == (
        "error: no architecture 'resnet51'; closest are resnet50; ListArchitectures returns all 5\n"
    )


@pytest.mark.parametrize("command", [("models", "ls"), ("train", *DIGITS), ("jobs", "ls")])
def test_nothing_at_the_address_points_to_vertebra_up(
    shell: Shell, command: tuple[str, ...]
) -> None:
    code, _, err = shell(*command)

    assert code == 3
    assert "no service answers at localhost:1" in err
    assert "`vertebra up`" in err
    assert err.count("\n") == 1


def test_a_bug_is_called_a_bug_without_a_traceback(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object, **flags: object) -> None:
        raise RuntimeError("surprise")

    monkeypatch.setattr(cli_main.cli, "main", broken)

    code, _, err = shell("models", "ls")

    assert code == 70
    assert "this is a bug: RuntimeError: surprise" in err
    assert "Traceback" not in err


def test_train_shows_the_plan_then_the_metrics_then_the_files(
    shell: Shell, with_trainer: FakeTrainer
) -> None:
    code, out, _ = shell("train", *DIGITS, "--register-as", "digits")

    places = [
        out.index(text)
        for text in (
            "5.1 k parameters train, 11.2 M stay frozen (0.05 % train)",
            "validation loss 0.9000 accuracy 0.7000",
            "validation loss 0.3000 accuracy 0.9100",
            "succeeded",
            "exported to      /exports\nbackbone         backbone.safetensors",
            "--weights checkpoints/digits",
        )
    ]
    assert code == 0
    assert places == sorted(places)
    assert out.count("parameters train") == 1


def test_train_as_json_is_one_line_an_event(shell: Shell, with_trainer: FakeTrainer) -> None:
    code, out, _ = shell("train", *DIGITS, "--json")

    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert lines[0]["job"]["job_id"] == "0000f00d"
    assert [int(line["event"]["seq"]) for line in lines[1:-1]] == list(
        range(1, len(training_script()) + 1)
    )
    assert lines[-1]["job"]["state"] == "JOB_STATE_SUCCEEDED"
    assert lines[-1]["exports"][0]["checkpoint"] == "checkpoints/digits"


def test_a_failed_job_ends_with_its_reason_and_code_1(
    shell: Shell, with_trainer: FakeTrainer
) -> None:
    with_trainer.final_state = jobs.JOB_STATE_FAILED

    code, out, _ = shell("train", *DIGITS)

    assert code == 1
    assert "failed: no image can be read" in out


def test_detached_training_says_how_to_go_on(shell: Shell, with_trainer: FakeTrainer) -> None:
    code, out, _ = shell("train", *DIGITS, "--detach")

    assert code == 0
    assert "vertebra jobs watch 0000f00d" in out
    assert with_trainer.openings == []


def test_interrupting_leaves_the_job_running(
    shell: Shell, with_trainer: FakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainerClient, "watch", interrupted)

    code, _, err = shell("train", *DIGITS)

    assert code == 130
    assert "the job goes on without you" in err
    assert "vertebra jobs cancel 0000f00d" in err
    assert with_trainer.cancelled == []


def test_an_invalid_request_lists_every_violation(shell: Shell, with_trainer: FakeTrainer) -> None:
    code_of = grpc.StatusCode.INVALID_ARGUMENT
    with_trainer.refusal = (code_of, "FIELD_INVALID", "the spec has problems")

    code, _, err = shell("train", *DIGITS)

    assert code == 2
    assert err == ("error: the spec has problems\n  spec.num_epochs: must be at least 1\n")


@pytest.mark.parametrize("command", [("train",), ("jobs", "plan")])
def test_a_refused_field_is_called_by_its_flag(
    shell: Shell, with_trainer: FakeTrainer, command: tuple[str, ...]
) -> None:
    told = "spec.num_epochs: must be at least 1"
    with_trainer.refusal = (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", told)

    code, _, err = shell(*command, *DIGITS)

    assert (code, err) == (2, "error: --epochs: must be at least 1\n")


def test_a_refused_field_of_a_file_is_named_as_in_the_file(
    shell: Shell, with_trainer: FakeTrainer, tmp_path: Path
) -> None:
    told = "spec.num_epochs: must be at least 1"
    with_trainer.refusal = (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", told)
    file = tmp_path / "experiment.json"
    dataset = {"bundled_digits": {}}
    file.write_text(
        json.dumps({"model": {"backbone": "vgg11"}, "dataset": dataset, "num_epochs": 1})
    )

    _, _, err = shell("train", str(file))

    assert err == f"error: {told}\n"


def test_jobs_are_listed_described_watched_and_cancelled(
    shell: Shell, with_trainer: FakeTrainer
) -> None:
    with_trainer.keep("abcd1234")

    _, listed, _ = shell("jobs", "ls")
    _, shown, _ = shell("jobs", "show", "abcd")
    code, watched, _ = shell("jobs", "watch", "abcd")
    _, cancelled, _ = shell("jobs", "cancel", "abcd", "--reason", "wrong data")

    assert "abcd1234" in listed and "succeeded" in listed and "0.9100" in listed
    assert "validation/accuracy 0.9100" in shown
    assert code == 0 and "epoch 2/2" in watched and "5.1 k parameters train" in watched
    assert "cancelling" in cancelled
    assert with_trainer.cancelled == ["abcd1234"]


def test_a_plan_is_shown_without_creating_a_job(shell: Shell, with_trainer: FakeTrainer) -> None:
    with_trainer.warnings = ("batches of 2 images make poor statistics",)

    code, out, _ = shell("jobs", "plan", *DIGITS)

    assert code == 0
    assert "note: batches of 2 images" in out
    assert with_trainer.kept == {}


@pytest.mark.parametrize("width", [80, 120])
def test_the_live_view_fits_the_terminal(
    trainer_client: TrainerClient, trainer: FakeTrainer, width: int
) -> None:
    """Bars and colours on a terminal; no line is wider than it."""
    trainer.keep("abcd")
    seen: list[events.TrainEvent] = []
    page = Console(force_terminal=True, width=width, file=StringIO(), legacy_windows=False)

    job = follow_job(trainer_client, "abcd", page, on_event=seen.append)

    text = page.file.getvalue()  # type: ignore[attr-defined]
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    assert max(len(line) for line in re.split(r"[\r\n]", plain)) <= width
    assert job.state == jobs.JOB_STATE_SUCCEEDED
    assert [event.seq for event in seen] == [event.seq for event in trainer.script]
    assert "\x1b[" in text and "epoch 2/2" in text


def test_the_time_left_goes_by_the_trainers_clock(trainer: FakeTrainer) -> None:
    """Old events are shown in an instant; the job was no faster for that."""
    bar = Progress(disable=True)
    watching = LiveJob(bar, trainer.keep("abcd"), shows_plan=False)
    steps = [event for event in trainer.script if event.HasField("step_metrics")]
    steps[1].time.seconds = steps[0].time.seconds + 30

    watching.show(steps[0])
    watching.show(steps[1])

    assert bar.tasks[0].completed == 2
    assert bar.tasks[0].fields["detail"] == "1:00 left  120 img/s  loss 1.2000"


def test_no_colours_go_into_a_pipe(shell: Shell, with_catalog: FakeCatalog) -> None:
    _, out, _ = shell("models", "ls")

    assert "\x1b" not in out
