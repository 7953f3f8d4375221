"""Pictures of a few validation images: what is true of each, and what the model makes of it.

Not for: numbers (`tasks` has those), or what happens while a model learns (`run_views`).
"""

from trainer_service.sample_pictures.draw import Looked, draw_samples

__all__ = ["Looked", "draw_samples"]
