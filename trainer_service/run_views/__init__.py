"""Views of a run, made from its events: TensorBoard, a table, learning curves.

Not for: deciding anything. A view that cannot be written is told as a warning, and the job goes on.
"""

from trainer_service.run_views.run_views import RunViews

__all__ = ["RunViews"]
