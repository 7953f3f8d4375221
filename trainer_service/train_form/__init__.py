"""How a training is asked for, as data: what `GetTrainForm` answers and every client draws.

Sections of settings with their words, choices and advice. What a setting does is the contract's to
say and the server's to check; here is how people are asked for it. A file a section.
"""

from trainer_service.train_form.data_section import DATA
from trainer_service.train_form.field import (
    FieldKind,
    FormChoice,
    FormCondition,
    FormField,
    FormSection,
    FormValue,
)
from trainer_service.train_form.freezing_section import FREEZING
from trainer_service.train_form.head_section import HEAD
from trainer_service.train_form.images_section import IMAGES
from trainer_service.train_form.model_section import MODEL
from trainer_service.train_form.result_section import RESULT
from trainer_service.train_form.running_section import RUNNING
from trainer_service.train_form.training_section import TRAINING

TRAIN_FORM: tuple[FormSection, ...] = (
    MODEL,
    HEAD,
    FREEZING,
    DATA,
    TRAINING,
    IMAGES,
    RUNNING,
    RESULT,
)
"""In the order in which it is asked."""

__all__ = [
    "TRAIN_FORM",
    "FieldKind",
    "FormChoice",
    "FormCondition",
    "FormField",
    "FormSection",
    "FormValue",
]
