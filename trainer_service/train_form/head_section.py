"""What is learned: the task, its classes, and how the new head looks."""

from trainer_service.train_form.field import FormChoice, FormField, FormSection, switch, when

WITH_LABELS = when("simclr", False)
DENSE = ("segmentation", "detection", "instanceSegmentation", "keypoints")
"""Tasks whose head takes maps."""

OWN = FormChoice(value=None, label="The architecture's own")
NO_CHOICE = FormChoice(value=None, label="As usual", help="What is usual for the head.")

POOLINGS = (
    OWN,
    FormChoice(value="avg", label="Mean"),
    FormChoice(value="max", label="Maximum"),
    FormChoice(value="avg_max", label="Mean and maximum"),
    FormChoice(value="gem", label="Generalised mean"),
)

HEADS = {
    "segmentation": (
        FormChoice(value="fcn", label="FCN", help="Two convolutions on the last map."),
        FormChoice(value="deeplabv3", label="DeepLabv3", help="Convolutions of several widths."),
        FormChoice(value="lraspp", label="LR-ASPP", help="Light, made for MobileNet."),
    ),
    "detection": (
        FormChoice(value="faster_rcnn", label="Faster R-CNN", help="Two steps; accurate."),
        FormChoice(value="retinanet", label="RetinaNet", help="One step, with anchors."),
        FormChoice(value="fcos", label="FCOS", help="One step, without anchors."),
    ),
}


def _classes(task: str, label: str = "Class names") -> tuple[FormField, ...]:
    """Return what says which classes a task has."""
    shown = (*WITH_LABELS, *when("model", task))
    return (
        FormField(
            path=f"model.{task}.classNames",
            label=label,
            help="In the order of the outputs, a line each; the data's own where empty.",
            kind="list",
            shown_when=shown,
            flag="--classes",
        ),
        FormField(
            path=f"model.{task}.numClasses",
            label="Number of classes",
            help="Instead of names, where names do not matter.",
            kind="integer",
            minimum=1,
            shown_when=shown,
            is_advanced=True,
            flag="--num-classes",
        ),
        FormField(
            path=f"model.{task}.keepKnownClasses",
            label="Keep known classes",
            help="What becomes of the published head's rows.",
            kind="toggle",
            default=False,
            choices=switch(
                "Classes that have a published name start from their published row.",
                "All of the new head is drawn at random.",
            ),
            shown_when=shown,
            is_advanced=True,
            flag="--keep-known-classes",
        ),
    )


def _multilabel(task: str, of: str) -> FormField:
    return FormField(
        path=f"model.{task}.multilabel",
        label="Several labels",
        help=f"Whether {of} can have several classes at once.",
        kind="toggle",
        default=False,
        choices=switch(
            f"Any number of classes for {of}: independent scores.",
            f"One class for {of}.",
        ),
        shown_when=(*WITH_LABELS, *when("model", task)),
        flag="--multilabel",
    )


def _head(task: str) -> FormField:
    return FormField(
        path=f"model.{task}.head",
        label="Head",
        help="What turns feature maps into predictions.",
        kind="choice",
        choices=(OWN, *HEADS[task]),
        shown_when=(*WITH_LABELS, *when("model", task)),
        flag="--head",
    )


def _of_a_vector(task: str) -> tuple[FormField, ...]:
    """Return how a head that turns one vector into numbers looks."""
    shown = (*WITH_LABELS, *when("model", task))
    return (
        FormField(
            path=f"model.{task}.hiddenUnits",
            label="Hidden layers",
            help="Their widths, a line each; none where empty.",
            kind="list",
            shown_when=shown,
            is_advanced=True,
            flag="--hidden",
        ),
        FormField(
            path=f"model.{task}.dropout",
            label="Dropout",
            help="Before every layer of the new head; the architecture's own where empty.",
            kind="number",
            minimum=0,
            maximum=1,
            shown_when=shown,
            is_advanced=True,
            flag="--dropout",
        ),
        FormField(
            path=f"model.{task}.pooling",
            label="Pooling",
            help="How the last feature map becomes a vector.",
            kind="choice",
            choices=POOLINGS,
            shown_when=shown,
            is_advanced=True,
            flag="--pooling",
        ),
    )


TASK = FormField(
    path="model",
    label="Task",
    help="What the new head predicts.",
    kind="choice",
    default="classification",
    choices=(
        FormChoice(value="classification", label="Classification", help="Classes of an image."),
        FormChoice(value="regression", label="Regression", help="Numbers for an image."),
        FormChoice(value="segmentation", label="Segmentation", help="A class for every pixel."),
        FormChoice(value="detection", label="Detection", help="Boxes with a class."),
        FormChoice(
            value="instanceSegmentation",
            label="Instance segmentation",
            help="Boxes with a class and a mask.",
        ),
        FormChoice(value="keypoints", label="Keypoints", help="Boxes with named points."),
    ),
    shown_when=WITH_LABELS,
    flag="--task",
)

SIMCLR = FormField(
    path="simclr",
    label="Learn without labels",
    help="SimCLR: a backbone learns from views of images that nobody has labelled.",
    kind="toggle",
    default=False,
    choices=switch(
        "Two views of an image are to have near features, others far ones.",
        "What is learned are the labels of the images.",
        on_advice="Many images, few or no labels; fine-tune the backbone afterwards.",
    ),
    flag="--simclr",
)

NECK = FormField(
    path="model.neck",
    label="Neck",
    help="Joins the backbone's feature maps before the head.",
    kind="choice",
    choices=(
        NO_CHOICE,
        FormChoice(value="none", label="None"),
        FormChoice(value="fpn", label="FPN"),
        FormChoice(value="bifpn", label="BiFPN"),
        FormChoice(value="pafpn", label="PAFPN"),
        FormChoice(value="transformer_encoder", label="Transformer encoder"),
        FormChoice(value="simple_pyramid", label="Simple pyramid", help="For plain transformers."),
    ),
    shown_when=(*WITH_LABELS, *when("model", *DENSE)),
    is_advanced=True,
    flag="--neck",
)

TARGETS = (
    FormField(
        path="model.regression.targetNames",
        label="Target names",
        help="The numbers to predict, a line each; the data's own where empty.",
        kind="list",
        shown_when=(*WITH_LABELS, *when("model", "regression")),
        flag="--targets",
    ),
    FormField(
        path="model.regression.numTargets",
        label="Number of targets",
        help="Instead of names.",
        kind="integer",
        minimum=1,
        shown_when=(*WITH_LABELS, *when("model", "regression")),
        is_advanced=True,
        flag="--num-targets",
    ),
)

KEYPOINTS = (
    FormField(
        path="model.keypoints.keypointNames",
        label="Keypoint names",
        help="A line each; the data's own where empty.",
        kind="list",
        shown_when=(*WITH_LABELS, *when("model", "keypoints")),
        flag="--keypoints",
    ),
    FormField(
        path="model.keypoints.numKeypoints",
        label="Number of keypoints",
        help="Instead of names.",
        kind="integer",
        minimum=1,
        shown_when=(*WITH_LABELS, *when("model", "keypoints")),
        is_advanced=True,
        flag="--num-keypoints",
    ),
    FormField(
        path="model.keypoints.classNames",
        label="Class names",
        help="Of the objects that have the points; the data's own where empty.",
        kind="list",
        shown_when=(*WITH_LABELS, *when("model", "keypoints")),
        is_advanced=True,
        flag="--classes",
    ),
)

HEAD = FormSection(
    id="head",
    label="Task and head",
    help="What is learned; the head for it is new.",
    fields=(
        SIMCLR,
        TASK,
        _multilabel("classification", "an image"),
        *_classes("classification"),
        *_of_a_vector("classification"),
        *TARGETS,
        *_of_a_vector("regression"),
        _head("segmentation"),
        _multilabel("segmentation", "a pixel"),
        *_classes("segmentation"),
        _head("detection"),
        *_classes("detection"),
        *_classes("instanceSegmentation"),
        *KEYPOINTS,
        NECK,
    ),
)
