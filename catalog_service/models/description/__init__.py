"""Describes a recipe's model by running its skeleton on the meta device: shapes, no numbers.

Imports torch: for the worker. The values that it gives are in `models/model_description.py`.
"""

from catalog_service.models.description.describe_model import (
    activation_bytes,
    model_description,
    model_description_order,
)

__all__ = ["activation_bytes", "model_description", "model_description_order"]
