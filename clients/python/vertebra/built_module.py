"""A built model as a torch module, by the model library of the same distribution.

Reached from `BuiltState.torch` alone: it needs torch and the extra `catalog`.
"""

from pathlib import Path

from torch import nn

from catalog_service.model_wire import recipe_from_message
from catalog_service.models.assemble import assemble
from vertebra.model.v1 import layout_pb2


def module_of(recipe: layout_pb2.Recipe, backbone: Path, head: Path) -> nn.Module:
    """Return a recipe's module with the numbers of its two files, mapped and not read.

    Raises:
        VertebraError: the files do not fit the recipe.
    """
    return assemble(recipe_from_message(recipe), backbone, head)
