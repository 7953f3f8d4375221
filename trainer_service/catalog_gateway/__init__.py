"""The only room that talks to the catalog: what it says becomes values and our kinds of failure.

The client is synchronous; its calls run on threads of their own, so that a long build or transfer
keeps nobody else waiting.
"""

from trainer_service.catalog_gateway.catalog import Catalog, ModelDescription, NewCheckpoint
from trainer_service.catalog_gateway.failures import error_of
from trainer_service.catalog_gateway.gateway import CatalogGateway

__all__ = ["Catalog", "CatalogGateway", "ModelDescription", "NewCheckpoint", "error_of"]
