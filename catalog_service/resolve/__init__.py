"""The catalog's use cases: build a model, register a backbone. One numbered function each."""

from catalog_service.resolve.builds import ModelNotFound, ModelParts
from catalog_service.resolve.built_model import BuiltModel, StatePart
from catalog_service.resolve.catalog import Catalog
from catalog_service.resolve.registration import Registration

__all__ = ["BuiltModel", "Catalog", "ModelNotFound", "ModelParts", "Registration", "StatePart"]
