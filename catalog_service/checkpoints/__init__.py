"""Backbones that users trained: from the names in their files to entries in the registry.

Not for: reading the files (`reader/`), and judging the numbers (the worker's model library).
"""
