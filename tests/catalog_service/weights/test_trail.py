"""The error of a search without a hit has every place tried, and what would help."""

from catalog_service.errors import Corrupt, Precondition
from catalog_service.weights.trail import Outcome, Remedies, Step, failure

REMEDIES = Remedies(torch_hub_folder="/data/torch/hub/checkpoints", mirror_folders=("/mnt/mirror",))


def test_no_copy_is_a_precondition_with_the_whole_trail_and_the_remedy() -> None:
    steps = [
        Step(location="store", outcome=Outcome.ABSENT, detail="absent"),
        Step(location="mirror /mnt/mirror", outcome=Outcome.ABSENT, detail="no such file"),
    ]

    error = failure("torchvision/X.V1", steps, remedies=REMEDIES.text("x-12.pth", "file:///x"))

    assert isinstance(error, Precondition)
    assert error.error_reason == "WEIGHTS_UNAVAILABLE"
    assert error.message.startswith(
        "no bytes for torchvision/X.V1: store: absent; mirror /mnt/mirror: no such file.\n"
        "  Put x-12.pth into the mirror folder /mnt/mirror or into the torch-hub cache "
        "/data/torch/hub/checkpoints"
    )


def test_one_wrong_copy_makes_it_data_loss() -> None:
    steps = [
        Step(location="store", outcome=Outcome.ABSENT, detail="absent"),
        Step(location="mirror /m", outcome=Outcome.WRONG_DIGEST, detail="has sha256 00"),
    ]

    error = failure("torchvision/X.V1", steps, remedies="")

    assert isinstance(error, Corrupt)
    assert error.error_reason == "DIGEST_MISMATCH"
    assert "mirror /m: has sha256 00" in error.message


def test_without_a_mirror_the_remedy_names_the_setting() -> None:
    text = Remedies(torch_hub_folder="/t", mirror_folders=()).text("x.pth", "file:///x")

    assert "VERTEBRA_CATALOG_MIRRORS" in text
