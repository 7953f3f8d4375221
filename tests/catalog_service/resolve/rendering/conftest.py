"""A described model of hand-made numbers."""

import pytest

from catalog_service.resolve.description import DescribedModel
from tests.fakes.described_models import CNN, described_model, module


@pytest.fixture
def cnn() -> DescribedModel:
    """Three frozen stages and a head that trains."""
    return described_model(CNN, (module("fc", "head", outputs=((1, 37),)),))
