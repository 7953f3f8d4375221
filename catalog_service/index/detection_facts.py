"""What torchvision's detectors do by default, and whose joints its people have. No torch."""

from collections.abc import Mapping
from dataclasses import replace

from catalog_service.models.contracts import DetectionRule

COCO_KEYPOINTS = (
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
)
"""Of the published Keypoint R-CNN. Source: torchvision's `_COCO_PERSON_KEYPOINT_NAMES`."""

MASK_THRESHOLD = 0.5
"""Source: torchvision's documentation of Mask R-CNN."""

_TWO_STAGES = DetectionRule(score_threshold=0.05, nms_iou_threshold=0.5, max_detections=100)

DETECTION_RULES: Mapping[str, DetectionRule] = {
    "faster_rcnn": _TWO_STAGES,
    "mask_rcnn": replace(_TWO_STAGES, mask_threshold=MASK_THRESHOLD),
    "keypoint_rcnn": _TWO_STAGES,
    "retinanet": DetectionRule(score_threshold=0.05, nms_iou_threshold=0.5, max_detections=300),
    "fcos": DetectionRule(score_threshold=0.2, nms_iou_threshold=0.6, max_detections=100),
    "ssd": DetectionRule(score_threshold=0.01, nms_iou_threshold=0.45, max_detections=200),
    "ssdlite": DetectionRule(score_threshold=0.001, nms_iou_threshold=0.55, max_detections=300),
}
"""Kind of detector -> torchvision's defaults."""
