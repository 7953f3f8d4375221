"""Bundles: weights and checkpoints that are carried to a site without a network."""

from catalog_service.resolve.bundles.bundles import BundlePlan, Bundles, Exported
from catalog_service.resolve.bundles.entries import BundleItem, Entries, PlannedItem
from catalog_service.resolve.bundles.importing import Imported, Importing, Outcome
from catalog_service.resolve.bundles.licence_files import LicenceFiles
from catalog_service.resolve.bundles.licences import Terms
from catalog_service.resolve.bundles.selection import Selection

__all__ = [
    "BundleItem",
    "BundlePlan",
    "Bundles",
    "Entries",
    "Exported",
    "Imported",
    "Importing",
    "LicenceFiles",
    "Outcome",
    "PlannedItem",
    "Selection",
    "Terms",
]
