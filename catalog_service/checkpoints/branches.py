"""Which of several backbones in one file is which: student, teacher, moving average. Pure.

Methods that train two networks say which one they hand out. Where the method's code takes the
trained one and the other only follows it, so do we; elsewhere a person must choose.
"""

from collections.abc import Mapping, Sequence

BRANCHES: Mapping[str, str] = {
    # DINO, iBOT, DINOv2, DINOv3: main_dino.py; lightly: DINO's example
    "student": "student",
    "student_backbone": "student",
    "student_network": "student",
    "teacher": "teacher",
    "teacher_backbone": "teacher",
    "teacher_network": "teacher",
    # BYOL: arXiv:2006.07733; lightning-bolts, byol_module.py; byol-pytorch
    "online": "online",
    "online_network": "online",
    "online_encoder": "online",
    "target": "momentum",
    "target_network": "momentum",
    "target_encoder": "momentum",
    # MoCo v1, v2: moco/builder.py; v3: moco/builder.py of moco-v3
    "encoder_q": "online",
    "base_encoder": "online",
    "encoder_k": "momentum",
    "momentum_encoder": "momentum",
    # solo-learn: methods/base.py, BaseMomentumMethod; lightly: MoCo's and BYOL's examples
    "momentum_backbone": "momentum",
    "backbone_momentum": "momentum",
    "momentum_network": "momentum",
    # timm: utils/model_ema.py; torchvision: references/classification/train.py
    "ema": "ema",
    "ema_model": "ema",
    "model_ema": "ema",
    "state_dict_ema": "ema",
    "ema_state_dict": "ema",
    "averaged_model": "ema",
}
"""Path part -> branch. A part that is not here is of the network that is trained."""

ORDER = ("", "online", "teacher", "student", "ema", "momentum")
"""Which of equals is shown first: DINO evaluates its teacher (eval_linear.py)."""

_TRAINED = frozenset({"", "online"})


def branch_of(prefix: str) -> str:
    """Return the branch that a prefix such as `teacher.backbone.` is of; empty: not known."""
    found = (BRANCHES[part] for part in prefix.split(".") if part in BRANCHES)
    return next(found, "")


def exported(prefixes: Sequence[str]) -> str | None:
    """Return which of equally good trees the method hands out; None: nobody but a person knows.

    It is the trained one where all others are its moving averages: MoCo's main_lincls.py takes
    `encoder_q`, BYOL keeps the online encoder alone (arXiv:2006.07733, section 3.1).
    """
    trained = [prefix for prefix in prefixes if branch_of(prefix) != "momentum"]
    is_clear = len(trained) == 1 and branch_of(trained[0]) in _TRAINED
    return trained[0] if is_clear else None
