"""Every architecture is identified in its own names, and in those of every code base we know."""

import pytest

from catalog_service.checkpoints.identify import CheckpointAmbiguous, identify
from catalog_service.index.layouts import PublishedLayout, published_layouts
from catalog_service.models.families.table import families
from catalog_service.weights.naming_scheme import Scheme, spots
from catalog_service.weights.schemes.table import SCHEMES
from tests.fakes.file_listings import Shapes, listing

SMALLEST = {family.tiny_architecture for family in families().values()}

TWINS = {
    ("convnext", "Meta"): "dinov3_convnext",
    ("dinov3_convnext", "Meta"): "convnext",
    ("convnext", "timm"): "dinov3_convnext",
    ("dinov3_convnext", "timm"): "convnext",
}
"""DINOv3's ConvNeXt is ConvNeXt with one norm more: under these names a file fits both."""


def written(published: PublishedLayout, scheme: Scheme | None) -> Shapes:
    """Return the backbone as the scheme's code writes it."""
    tensors = published.layout.of_role("backbone")
    if scheme is None:
        return {tensor.name: tensor.shape for tensor in tensors}
    found: Shapes = {}
    where = spots(scheme, published.layout)
    for tensor in tensors:
        for name in where[tensor.name].names:
            found[name] = where[tensor.name].file_shape(tensor.shape) or tensor.shape
    return found


def _is_gated(scheme: Scheme) -> bool | None:
    """Return whether DINOv3's ViT has a gate in a scheme; None: it has both."""
    names = [place.ours for place in scheme.places if ".mlp." in place.ours]
    return any("gate_proj" in name for name in names) if "model.layer" in "".join(names) else None


def _has_gate(published: PublishedLayout) -> bool:
    return any("gate_proj" in tensor.name for tensor in published.layout.tensors)


CASES = [
    pytest.param(
        published,
        scheme,
        id=f"{published.structure_of}, {scheme.name if scheme else 'own'} {number}",
        marks=() if published.architecture_id in SMALLEST else pytest.mark.full,
    )
    for published in published_layouts()
    if published.layout.backbone_architecture == published.architecture_id
    for number, scheme in enumerate((None, *SCHEMES.get(published.family, ())))
    if scheme is None or _is_gated(scheme) in (None, _has_gate(published))
]


@pytest.mark.parametrize(("published", "scheme"), CASES)
def test_an_architecture_is_identified(published: PublishedLayout, scheme: Scheme | None) -> None:
    found = identify(listing(written(published, scheme)))

    matches = [candidate for candidate in found.candidates if candidate.coverage == 1.0]
    assert published.architecture_id in {candidate.architecture_id for candidate in matches}
    if scheme is not None and scheme.differs:
        assert not found.candidates[0].is_match
        assert found.candidates[0].problems == (scheme.differs,)
    else:
        assert found.candidates[0].is_match
        assert found.is_unambiguous or _is_twin(published, scheme)


def _is_twin(published: PublishedLayout, scheme: Scheme | None) -> bool:
    return scheme is not None and (published.family, scheme.name) in TWINS


def test_twins_are_for_a_person_to_choose_from() -> None:
    published = next(p for p in published_layouts() if p.architecture_id == "dinov3_convnext_tiny")
    timm = next(s for s in SCHEMES["dinov3_convnext"] if s.name == "timm")

    found = identify(listing(written(published, timm)))

    with pytest.raises(CheckpointAmbiguous, match="choose by architecture or prefix"):
        found.the_match()
    assert {each.architecture_id for each in found.candidates if each.is_match} == {
        "convnext_tiny",
        "dinov3_convnext_tiny",
    }


def test_a_gate_that_an_architecture_lacks_is_not_left_out() -> None:
    """Half of a fused tensor would be: the gated model has the same widths."""
    gated = next(p for p in published_layouts() if p.architecture_id == "dinov3_vits16plus")
    fused = next(s for s in SCHEMES["dinov3_vit"] if any("w12" in p.theirs for p in s.places))

    found = identify(listing(written(gated, fused)))

    assert found.the_match().architecture_id == "dinov3_vits16plus"
