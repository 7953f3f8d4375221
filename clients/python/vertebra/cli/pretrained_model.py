"""`--pretrained-model NAME`: the catalog knows which backbone that is."""

from collections.abc import Mapping
from typing import Any

import click
import grpc

from vertebra.catalog_client import CatalogClient
from vertebra.cli.clients import catalog_client
from vertebra.client_errors import RpcFailed


def with_pretrained_model(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flags with `--backbone` and `--weights` of `--pretrained-model`, if given.

    Raises:
        click.UsageError: the catalog knows no such model, or another flag says something else.
        RpcFailed: the catalog refused.
    """
    name = flags["pretrained_model"]
    if name is None:
        return dict(flags)
    if taken := [flag for flag in ("weights", "pretrained") if flags[flag] is not None]:
        raise click.UsageError(f"--pretrained-model says what --{taken[0]} says; give one")
    with catalog_client(flags["catalog_address"]) as catalog:
        backbone, weights = _found(catalog, name)
    if flags["backbone"] not in (None, backbone):
        raise click.UsageError(
            f"--pretrained-model {name} is a {backbone}, --backbone says {flags['backbone']!r}"
        )
    return {**flags, "backbone": backbone, "weights": weights, "pretrained": True}


def _found(catalog: CatalogClient, name: str) -> tuple[str, str]:
    """Return backbone and weights of a checkpoint or a weight; an architecture has its default."""
    if name.startswith("architectures/"):
        return catalog.get_architecture(name).architecture_id, ""
    if "." in name or name.startswith(("weights/", "torchvision/")):
        weights = catalog.get_weights(name)
        return weights.architecture_id, weights.reference
    try:
        checkpoint = catalog.get_checkpoint(name)
        return checkpoint.architecture_id, checkpoint.name
    except RpcFailed as error:
        if error.code is not grpc.StatusCode.NOT_FOUND or "/" in name:
            raise
    try:
        return catalog.get_architecture(name).architecture_id, ""
    except RpcFailed as error:
        if error.code is not grpc.StatusCode.NOT_FOUND:
            raise
        raise click.UsageError(
            f"--pretrained-model: neither a checkpoint nor an architecture is called {name!r};"
            " `vertebra checkpoints ls` and `vertebra models ls` list them"
        ) from error
