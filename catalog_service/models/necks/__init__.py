"""Necks: modules that take a trunk's maps and give maps of one width. Imports torch.

A new neck is one file here, one line in `build_neck.NECKS`, and one rule in `compositions.py`.
"""

from catalog_service.models.necks.build_neck import build_neck

__all__ = ["build_neck"]
