"""What a fake catalog says of a model: a small made-up one, with something of every kind."""

from vertebra.catalog.v1 import architecture_service_pb2 as architectures
from vertebra.catalog.v1 import model_service_pb2 as models
from vertebra.model.v1 import contracts_pb2, layout_pb2

INPUT = contracts_pb2.InputContract(
    num_channels=3,
    height_px=224,
    width_px=224,
    resize_shorter_side_px=232,
    interpolation="bilinear",
    mean=[0.485, 0.456, 0.406],
    std=[0.229, 0.224, 0.225],
    rescale_factor=1 / 255,
    channel_names=["R", "G", "B"],
    sizes=contracts_pb2.SizeLimits(
        min_px=1, min_training_px=33, multiple_of_px=1, min_training_batch=2
    ),
)

OUTPUT = contracts_pb2.OutputContract(
    kind="logits", shape=[2], class_names=["cat", "dog"], activation="softmax"
)

PARTS = (
    ("stem", layout_pb2.ROLE_BACKBONE, 9_536, (1, 64, 56, 56), 5),
    ("layer4", layout_pb2.ROLE_BACKBONE, 8_393_728, (1, 512, 7, 7), 1),
    ("head", layout_pb2.ROLE_HEAD, 1_026, (1, 2), 0),
)

MODULES = (
    ("", "ResNet", 0, (1, 2)),
    ("conv1", "Conv2d", layout_pb2.ROLE_BACKBONE, (1, 64, 112, 112)),
    ("layer4", "Sequential", layout_pb2.ROLE_BACKBONE, (1, 512, 7, 7)),
    ("layer4.0", "BasicBlock", layout_pb2.ROLE_BACKBONE, (1, 512, 7, 7)),
    ("layer4.0.conv1", "Conv2d", layout_pb2.ROLE_BACKBONE, (1, 512, 7, 7)),
    ("fc", "Linear", layout_pb2.ROLE_HEAD, (1, 2)),
)

COMPOSITIONS = (
    ("classification", "linear", "none", True, ()),
    ("detection", "faster_rcnn", "fpn", True, ("layer1", "layer2", "layer3", "layer4")),
    ("detection", "faster_rcnn", "bifpn", False, ("layer1", "layer2", "layer3", "layer4")),
    ("detection", "retinanet", "fpn", False, ("layer2", "layer3", "layer4")),
)

DRAWINGS = {
    models.RenderModelRequest.FORMAT_SVG: ("<svg>{}</svg>", "image/svg+xml"),
    models.RenderModelRequest.FORMAT_DOT: ("digraph {{ {} }}", "text/vnd.graphviz"),
}


def described(request: models.DescribeModelRequest) -> models.ModelDescription:
    """Return the description of a resnet18 with two classes, whatever is asked for."""
    mode = request.freeze_mode or "full"
    parts = [part(row, is_frozen=mode == "frozen_backbone") for row in PARTS]
    trainable = sum(one.num_trainable_parameters for one in parts)
    frozen = sum(one.num_frozen_parameters for one in parts)
    return models.ModelDescription(
        spec=request.spec,
        input=INPUT,
        output=OUTPUT,
        modules=[module(row) for row in MODULES],
        parts=parts,
        feature_maps=[
            architectures.FeatureMap(
                name="layer4", stride_px=32, num_channels=512, height_px=7, width_px=7
            )
        ],
        freeze_mode=mode,
        num_parameters=trainable + frozen,
        num_trainable_parameters=trainable,
        num_frozen_parameters=frozen,
        num_multiply_adds=1_814_000_000,
        training_memory=models.MemoryEstimate(
            parameter_bytes=33_617_160,
            gradient_bytes=4 * trainable,
            optimizer_bytes=8 * trainable,
            activation_bytes_per_image=20_000_000,
            transient_bytes_per_image=1_000_000,
            batch_size=request.batch_size or 32,
            total_bytes=33_617_160 + 12 * trainable + 21_000_000 * (request.batch_size or 32),
            basis="counted on the meta device",
        ),
        assumptions=["nothing is cut"],
    )


def part(
    row: tuple[str, layout_pb2.Role, int, tuple[int, ...], int], *, is_frozen: bool
) -> models.PartSummary:
    """Return a row of PARTS as a message."""
    name, role, count, output, from_end = row
    frozen = count if is_frozen and role == layout_pb2.ROLE_BACKBONE else 0
    return models.PartSummary(
        name=name,
        role=role,
        num_trainable_parameters=count - frozen,
        num_frozen_parameters=frozen,
        num_multiply_adds=count * 49,
        output=models.TensorShape(sizes=output),
        num_blocks_from_end=from_end,
    )


def module(row: tuple[str, str, int, tuple[int, ...]]) -> models.ModuleInfo:
    """Return a row of MODULES as a message."""
    path, class_name, role, output = row
    return models.ModuleInfo(
        path=path,
        class_name=class_name,
        role=role,
        outputs=[models.TensorShape(sizes=output)],
        num_parameters=9_408,
        num_trainable_parameters=9_408,
        num_multiply_adds=118_013_952,
    )


def drawn(request: models.RenderModelRequest) -> models.RenderModelResponse:
    """Return a drawing with the backbone's name in it."""
    text, media_type = DRAWINGS[request.format]
    content = text.format(request.spec.backbone)
    return models.RenderModelResponse(content=content, media_type=media_type)


def verdicts(request: models.CheckInputRequest) -> models.CheckInputResponse:
    """Return that 33 px is the least that trains, and 8 the least that runs."""
    shorter = min(request.height_px, request.width_px)
    return models.CheckInputResponse(
        evaluation=verdict(shorter, 8), training=verdict(shorter, 33), sizes=INPUT.sizes
    )


def verdict(shorter_px: int, least_px: int) -> models.InputVerdict:
    """Return whether a side is long enough."""
    if shorter_px >= least_px:
        return models.InputVerdict(kind=models.InputVerdict.KIND_OK)
    return models.InputVerdict(
        kind=models.InputVerdict.KIND_ERROR,
        reasons=[f"{shorter_px} px is less than {least_px} px"],
        nearest=[models.ImageSize(height_px=least_px, width_px=least_px)],
    )


def compositions(backbone: str) -> list[models.Composition]:
    """Return what goes on a backbone."""
    return [
        models.Composition(
            backbone=backbone,
            family="resnet",
            task=task,
            head=head,
            neck=neck,
            is_default=is_default,
            feature_maps=maps,
            is_published=task == "classification",
        )
        for task, head, neck, is_default, maps in COMPOSITIONS
    ]


def advised(request: models.AdviseTransferRequest) -> models.AdviseTransferResponse:
    """Return advice for few images."""
    return models.AdviseTransferResponse(
        advice=models.TransferAdvice(
            freeze_mode="frozen_backbone",
            head_lr=1e-3,
            num_epochs=20,
            weight_decay=0.01,
            augmentation="shift_and_flip",
            reasons=[f"{request.num_images} images are fewer than 100: train the head alone"],
            alternatives=["last_blocks(1) with a tenth of the learning rate"],
        ),
        candidates=[
            models.TransferCandidate(
                weights="torchvision/ResNet18_Weights.IMAGENET1K_V1",
                architecture="resnet18",
                licence="unknown",
                metric_name="acc@1",
                metric_dataset="ImageNet-1K",
                metric_value=69.758,
                num_parameters=11_689_512,
                gflops=1.81,
                training_memory_bytes=310_000_000,
                is_cached=True,
                reasons=["fits 8 GB"],
            )
        ],
        excluded=["memory above 8.0 GB: 3 weights"],
    )
