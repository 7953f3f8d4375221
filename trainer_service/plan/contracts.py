"""What goes into the model and comes out of it in this job: its contracts, with what the spec and
the data say. Pure.
"""

from dataclasses import replace

from catalog_service.models.contracts import InputContract, OutputContract
from trainer_service.datasets.inspect import DatasetSummary
from trainer_service.jobs import PreprocessingSpec
from trainer_service.plan.refusal import refused

BACKGROUND = "__background__"
"""Label 0 of detectors. Source: torchvision's detection weights, meta["categories"]."""

USUAL_CROP = 256 / 224
"""Shorter side over crop of weights that crop nothing themselves. Source: torchvision's
ImageClassification preset."""


def input_of(contract: InputContract, spec: PreprocessingSpec) -> InputContract:
    """Return how this job's images become the model's input.

    Images of one batch have one size: a contract that keeps the whole image of whatever size is
    one that resizes both sides here. Detectors take lists of images and keep theirs.

    Raises:
        InvalidRequest: a detector's images are its own business; or a crop is larger than what is
            cropped.
    """
    if contract.is_image_list:
        if spec != PreprocessingSpec():
            why = "detectors resize and normalise images themselves; leave it out"
            raise refused("preprocessing", why)
        return contract
    fitted = _fitted(contract, spec)
    return replace(
        fitted,
        interpolation=spec.interpolation or contract.interpolation,
        mean=spec.mean or contract.mean,
        std=spec.std or contract.std,
    )


def _fitted(contract: InputContract, spec: PreprocessingSpec) -> InputContract:
    if spec.fit == "" and not contract.keeps_whole_image:
        if not spec.resize_shorter_side_px:
            return contract
        raise refused("preprocessing.resize_shorter_side_px", "is for fit CROP; set it too")
    whole = replace(
        contract,
        keeps_whole_image=False,
        resize_shorter_side_px=0,
        resize_height_px=0,
        resize_width_px=0,
    )
    if spec.fit != "crop":
        return whole
    longer = max(contract.height_px, contract.width_px)
    shorter_side_px = spec.resize_shorter_side_px or round(longer * _crop_ratio(contract))
    if shorter_side_px < longer:
        why = (
            f"{shorter_side_px} is less than the model's {contract.height_px} x"
            f" {contract.width_px}: that much cannot be cropped from it"
        )
        raise refused("preprocessing.resize_shorter_side_px", why)
    return replace(whole, resize_shorter_side_px=shorter_side_px)


def _crop_ratio(contract: InputContract) -> float:
    """Return the weight's own shorter side over its crop, 1 or more."""
    resized = contract.resize_shorter_side_px or contract.resize_height_px
    if not resized or contract.keeps_whole_image:
        return USUAL_CROP
    return max(1.0, resized / min(contract.height_px, contract.width_px))


def output_of(contract: OutputContract, summary: DatasetSummary, task: str) -> OutputContract:
    """Return what this job's outputs mean: the data names what the model only counts."""
    if task == "simclr":
        return contract
    if task == "regression":
        return replace(
            contract,
            target_names=summary.class_names or contract.target_names,
            target_mean=summary.target_mean,
            # A target that is always the same is learned as it is: nothing to divide by.
            target_std=tuple(std or 1.0 for std in summary.target_std),
        )
    names = summary.class_names
    if names and contract.kind == "detections":
        names = (BACKGROUND, *names)
    return replace(
        contract,
        class_names=names or contract.class_names,
        keypoint_names=contract.keypoint_names or summary.keypoint_names,
    )
