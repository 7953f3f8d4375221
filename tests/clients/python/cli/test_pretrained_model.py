"""`--pretrained-model`: the catalog says which backbone a name is."""

from pathlib import Path

import pytest

from tests.clients.python.conftest import Shell
from tests.fakes.fake_catalog import FakeCatalog
from tests.fakes.fake_trainer import FakeTrainer

REST = ("--digits", "--epochs", "1")


@pytest.fixture
def registered(shell: Shell, with_catalog: FakeCatalog, tmp_path: Path) -> None:
    """A checkpoint called `letters`, of resnet18."""
    file = tmp_path / "backbone.ckpt"
    file.write_bytes(b"tensors")
    what = ("--name", "letters", "--architecture", "resnet18")
    assert shell("checkpoints", "register", str(file), *what)[0] == 0


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    ("name", "backbone", "weights"),
    [
        ("letters", "resnet18", "checkpoints/letters"),
        ("checkpoints/letters", "resnet18", "checkpoints/letters"),
        ("resnet50", "resnet50", ""),
        ("architectures/resnet50", "resnet50", ""),
        ("torchvision/resnet50.IMAGENET1K_V1", "resnet50", "torchvision/resnet50.IMAGENET1K_V1"),
    ],
)
def test_a_name_is_a_checkpoint_a_weight_or_an_architecture(
    shell: Shell, with_trainer: FakeTrainer, name: str, backbone: str, weights: str
) -> None:
    code, _, err = shell("jobs", "plan", "--pretrained-model", name, *REST)

    assert code == 0, err
    model = with_trainer.specs[-1].model
    assert (model.backbone, model.weights, model.pretrained) == (backbone, weights, True)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (("--pretrained-model", "digits"), "neither a checkpoint nor an architecture is called"),
        (("--pretrained-model", "letters", "--weights", "x"), "says what --weights says"),
        (("--pretrained-model", "letters", "--no-pretrained"), "says what --pretrained says"),
        (("--pretrained-model", "letters", "--backbone", "vgg11"), "letters is a resnet18"),
    ],
)
def test_what_contradicts_or_is_unknown_is_refused(
    shell: Shell, with_trainer: FakeTrainer, flags: tuple[str, ...], complaint: str
) -> None:
    code, _, err = shell("train", *flags, *REST)

    assert code == 2
    assert complaint in err
    assert with_trainer.kept == {}


@pytest.mark.usefixtures("registered")
def test_the_weights_of_a_file_give_way(
    shell: Shell, with_trainer: FakeTrainer, tmp_path: Path
) -> None:
    file = tmp_path / "experiment.json"
    file.write_text('{"model": {"weights": "checkpoints/old", "pretrained": true}}')

    code, _, err = shell("jobs", "plan", str(file), "--pretrained-model", "resnet50", *REST)

    assert code == 0, err
    assert with_trainer.specs[-1].model.weights == ""
