"""A handful of architectures and weights that the fake catalog lists."""

from vertebra.catalog.v1 import architecture_service_pb2 as architectures
from vertebra.catalog.v1 import weights_service_pb2 as weights

ROWS = (
    ("resnet18", "resnet", 11_689_512, 1.81, 512),
    ("resnet50", "resnet", 25_557_032, 4.09, 2048),
    ("mobilenet_v3_small", "mobilenet", 2_542_856, 0.06, 1024),
    ("vit_b_16", "vit", 86_567_656, 17.56, 768),
    ("fasterrcnn_resnet50_fpn", "faster_rcnn", 41_755_286, 134.38, 0),
)


def architecture(row: tuple[str, str, int, float, int]) -> architectures.Architecture:
    """Return a row of the table as a message."""
    name, family, num_parameters, gflops, num_features = row
    task = architectures.TASK_CLASSIFICATION if num_features else architectures.TASK_DETECTION
    return architectures.Architecture(
        name=f"architectures/{name}",
        architecture_id=name,
        family=family,
        task=task,
        num_parameters=num_parameters,
        gflops=gflops,
        num_features=num_features,
        weights=[f"weights/torchvision/{name}.IMAGENET1K_V1"],
        default_weights=f"weights/torchvision/{name}.IMAGENET1K_V1",
        min_image_px=33,
        default_image_px=224,
        is_buildable=bool(num_features),
        library="torchvision",
        licences=["BSD-3-Clause"],
        metric_name="acc@1" if num_features else "box_map",
        metric_dataset="ImageNet-1K" if num_features else "COCO-val2017",
        metric_value=76.13 if num_features else 37.0,
        is_cached=name == "resnet50",
        backbone_architecture="resnet50" if "resnet50" in name else name,
    )


def weight(row: tuple[str, str, int, float, int]) -> weights.Weights:
    """Return the default weight of a row."""
    name = row[0]
    reference = f"torchvision/{name}.IMAGENET1K_V1"
    return weights.Weights(
        name=f"weights/{reference}",
        reference=reference,
        architecture_id=name,
        task=architectures.TASK_CLASSIFICATION,
        is_default=True,
        file_name=f"{name}-deadbeef.pth",
        size_bytes=row[2] * 4,
        num_parameters=row[2],
        num_categories=1000,
        metrics=[weights.Metric(dataset="ImageNet-1K", name="acc@1", value=76.13)],
        licence="unknown",
        cached_state=weights.CACHED_STATE_LOCAL_FILE,
    )
