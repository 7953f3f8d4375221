"""Input and output contracts in words: what a model takes and what it gives."""

from collections.abc import Mapping, Sequence

from vertebra.cli import words
from vertebra.model.v1 import contracts_pb2, layout_pb2, model_spec_pb2

InputContract = contracts_pb2.InputContract
OutputContract = contracts_pb2.OutputContract

IDENTITY_FACTOR = 1 / 255
"""What every 8-bit image is multiplied with: not worth a word."""

KINDS: Mapping[str, str] = {
    "logits": "one score a class",
    "multilabel_logits": "one score a class, independent of each other",
    "values": "numbers",
    "segmentation": "one score a class for every pixel",
    "detections": "boxes with a class and a score",
    "features": "features",
    "pyramid": "feature maps, finest first",
    "flow": "movement of every pixel",
}

PUBLISHED: Mapping[str, str] = {
    "logits": "classification",
    "segmentation": "segmentation",
    "detections": "detection",
    "flow": "optical flow",
    "features": "features",
}
"""What a published head does, by the kind of its output."""

PROBABILITIES: Mapping[str, str] = {
    "softmax": "softmax makes probabilities of it",
    "sigmoid": "sigmoid makes probabilities of it",
}


def shape(sizes: Sequence[int], *, batch: bool = False) -> str:
    """Return `[B, 3, 224, 224]`; `?` for what depends on the image."""
    inside = [*(["B"] if batch else []), *("?" if size < 0 else str(size) for size in sizes)]
    return f"[{', '.join(inside)}]"


def task(spec: model_spec_pb2.ModelSpec, output: OutputContract) -> str:
    """Return `detection of 2 classes: cat, dog; head fcos, neck fpn`."""
    kind = spec.WhichOneof("task")
    word = kind.replace("_", " ") if kind else PUBLISHED.get(output.kind, "")
    parts = [
        f"{word}{_classes(spec, output)}"
        if kind
        else f"{word} as published{_classes(spec, output)}",
        f"output {spec.features.output}" if spec.features.output else "",
        f"head {_of_task(spec, 'head')}" if _of_task(spec, "head") else "",
        f"neck {spec.neck}" if spec.neck not in ("", "none") else "",
    ]
    return "; ".join(part.strip() for part in parts if part)


def _of_task(spec: model_spec_pb2.ModelSpec, field: str) -> object:
    """Return a field of the task; None where it has no such field."""
    return getattr(getattr(spec, spec.WhichOneof("task") or "features"), field, None)


def _classes(spec: model_spec_pb2.ModelSpec, output: OutputContract) -> str:
    names = [name for name in output.class_names if name != "__background__"]
    count = len(names) or _of_task(spec, "num_classes") or 0
    assert isinstance(count, int)
    if not count:
        return ""
    shown = f": {words.listed(names, 4)}" if names else ""
    return f" of {words.plural(count, 'class', 'classes')}{shown}"


def takes(one: InputContract) -> list[str]:
    """Return sentences about the input: its shape, what is done to an image, which sizes."""
    if not one.num_channels:
        return []
    return [line for line in (_tensor(one), _preparation(one), _values(one), _sizes(one)) if line]


def _tensor(one: InputContract) -> str:
    channels = ", ".join(one.channel_names[:5]) + (", ..." if len(one.channel_names) > 5 else "")
    if one.is_image_list:
        return f"a list of images [{one.num_channels}, H, W] of any size, values 0 to 1, {channels}"
    size = [one.num_channels, *([one.num_frames] if one.num_frames else [])]
    return f"{shape([*size, one.height_px, one.width_px], batch=True)} {channels}".rstrip()


def _preparation(one: InputContract) -> str:
    if one.is_image_list:
        limit = (
            f", the longer to at most {one.max_longer_side_px}" if one.max_longer_side_px else ""
        )
        side = one.resize_shorter_side_px
        return f"resized inside: the shorter side to {side} px{limit}" if side else ""
    size = f"{one.height_px} x {one.width_px} px"
    how = f" ({one.interpolation})" if one.interpolation else ""
    if one.resize_shorter_side_px:
        return f"shorter side to {one.resize_shorter_side_px} px{how}, middle {size}"
    return f"resized to {size}{how}"


def _values(one: InputContract) -> str:
    if not one.mean:
        return ""
    inside = "normalised inside: " if one.is_image_list else ""
    mean, std = _numbers(one.mean), _numbers(one.std)
    factor = ""
    if one.rescale_factor and abs(one.rescale_factor - IDENTITY_FACTOR) > 1e-9:
        factor = f"values times {one.rescale_factor:g}, "
    return f"{inside}{factor}mean {mean}, std {std}"


def _numbers(values: Sequence[float]) -> str:
    shown = ", ".join(f"{value:.4g}" for value in values[:5])
    return f"{shown}, ..." if len(values) > 5 else shown


def _sizes(one: InputContract) -> str:
    limits = one.sizes
    if not one.HasField("sizes"):
        return ""
    if limits.is_fixed:
        return "only this size; another one is asked for with --size"
    parts = [f"at least {limits.min_px} px"]
    if limits.min_training_px > limits.min_px:
        parts.append(f"{limits.min_training_px} px to train")
    if limits.multiple_of_px > 1:
        cut = ", else the border is cut off" if limits.crops_border else ""
        parts.append(f"sides a multiple of {limits.multiple_of_px}{cut}")
    if limits.min_training_batch > 1:
        parts.append(f"trains with {limits.min_training_batch} images or more")
    return ", ".join(parts)


def gives(one: OutputContract) -> list[str]:
    """Return sentences about the output: its tensors and what makes sense of them."""
    if not one.kind:
        return []
    lines = [f"{shape(one.shape, batch=True)} {KINDS.get(one.kind, one.kind)}"]
    if one.tensors and (len(one.tensors) > 1 or one.tensors[0].name):
        lines = [KINDS.get(one.kind, one.kind)]
        lines += [_output_tensor(tensor, one) for tensor in one.tensors]
    more = (
        PROBABILITIES.get(one.activation, ""),
        _detection(one) if one.HasField("detection") else "",
        f"keypoints: {words.listed(one.keypoint_names)}" if one.keypoint_names else "",
        f"targets: {words.listed(one.target_names)}" if one.target_names else "",
        "value = output * std + mean of the target" if one.target_std else "",
    )
    return [*lines, *(line for line in more if line)]


def _output_tensor(tensor: contracts_pb2.OutputTensor, one: OutputContract) -> str:
    batch = "" if one.kind == "detections" else "B, "
    inside = shape(tensor.shape)[1:-1]
    meaning = f"  {tensor.meaning}" if tensor.meaning else ""
    return f"{tensor.name} [{batch}{inside}]{meaning}"


def _detection(one: OutputContract) -> str:
    rule = one.detection
    mask = f", masks above {rule.mask_threshold:g}" if rule.mask_threshold else ""
    return (
        f"scores above {rule.score_threshold:g}, at most {rule.max_detections} boxes that overlap "
        f"less than {rule.nms_iou_threshold:g}{mask}"
    )


ROLES: Mapping[int, str] = {
    layout_pb2.ROLE_BACKBONE: "backbone",
    layout_pb2.ROLE_NECK: "neck",
    layout_pb2.ROLE_HEAD: "head",
    layout_pb2.ROLE_AUX: "aux",
}
