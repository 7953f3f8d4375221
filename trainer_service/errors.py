"""The trainer's own named failures. Each inherits one of the catalog's kinds, so `serving/status.py`
knows its status; for a running job `reason` becomes the job's failure reason.
"""

from catalog_service.errors import Corrupt, Denied, Exhausted, Precondition


class DataInvalid(Precondition):
    """The images are not what the job needs: broken, missing, or of other classes."""

    reason = "DATA_INVALID"


class PathOutsideRoots(Denied):
    """A path is not below any folder that the trainer may read."""

    reason = "PATH_OUTSIDE_ROOTS"


class LossNotFinite(Precondition):
    """The loss became infinite or not a number: nothing trained after that step means anything."""

    reason = "LOSS_NOT_FINITE"


class FrozenStateChanged(Corrupt):
    """A tensor that the plan freezes is not what it was when the job started."""

    reason = "FROZEN_STATE_CHANGED"


class GradientMissing(Corrupt):
    """A tensor that the plan trains got no gradient from the first step."""

    reason = "GRADIENT_MISSING"


class StateNotAsOrdered(Corrupt):
    """The model on disk is not the one that the order names."""

    reason = "STATE_NOT_AS_ORDERED"


class ExportNotEqual(Corrupt):
    """What was read back from an export is not what was written."""

    reason = "EXPORT_NOT_EQUAL"


class DeviceUnavailable(Precondition):
    """The device that the order names is not there."""

    reason = "DEVICE_UNAVAILABLE"


class OutOfMemory(Exhausted):
    """The model and its batch do not fit the device."""

    reason = "OUT_OF_MEMORY"
