"""Prints what models compute as digests: `python -m ... ADDRESS ARCHITECTURE...` -> one JSON."""

import json
import sys

import torch

from tests.fakes.golden_cases import CASES
from tests.fakes.golden_vectors import fingerprint, observed
from vertebra.catalog_client import CatalogClient


def main(address: str, *architectures: str) -> None:
    """Print architecture -> fingerprint of the published model that the catalog gives."""
    torch.set_num_threads(1)
    with CatalogClient(address) as client:
        found = {
            name: fingerprint(observed(client.build(CASES[name].spec).torch(), CASES[name]))
            for name in architectures
        }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
