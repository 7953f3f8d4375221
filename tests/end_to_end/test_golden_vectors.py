"""What a streamed model computes is what its library's own pretrained build computes, bit by bit.

Keys and shapes cannot show a lost eps, a lost `transform_input` or a lost buffer: outputs can. The
catalog's bytes go over the wire; every comparison is in fp32, on the CPU, in eval mode.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

from catalog_service.models.families.table import families, family_of
from tests.fakes.golden_cases import CASES, QUICK, naive, pretrained
from tests.fakes.golden_vectors import (
    Case,
    features,
    fingerprint,
    largest_difference,
    lively,
    observed,
)
from tests.fakes.published_weights import PublishedFile, PublishedFolder
from tests.services import running_catalog
from vertebra.catalog_client import CatalogClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Published files of some cases, and where catalogs and builds may write."""

    home: Path
    mirror: PublishedFolder
    files: dict[str, PublishedFile]

    @contextmanager
    def catalog(self, name: str) -> Iterator[str]:
        """Start a catalog with nothing in its store, and yield its address."""
        with running_catalog(
            self.home / name,
            VERTEBRA_CATALOG_MIRRORS=str(self.mirror.folder),
            VERTEBRA_CATALOG_INDEX=str(self.mirror.index_path),
            VERTEBRA_CATALOG_SHARE_PATHS="0",
        ) as service:
            yield service.address


def publish(home: Path, cases: Sequence[Case]) -> Site:
    """Write the published files of `cases`."""
    mirror = PublishedFolder(home / "mirror")
    files = {c.architecture_id: mirror.write(c.architecture_id, change=lively) for c in cases}
    return Site(home=home, mirror=mirror, files=files)


def fingerprints(address: str, cases: Sequence[Case]) -> dict[str, str]:
    """Return what a fresh process finds: architecture -> fingerprint."""
    names = [case.architecture_id for case in cases]
    program = [sys.executable, "-m", "tests.fakes.fingerprint_program", address, *names]
    answer = subprocess.run(program, capture_output=True, check=False)
    assert answer.returncode == 0, answer.stderr.decode()
    found: dict[str, str] = json.loads(answer.stdout)
    return found


def check_published(client: CatalogClient, case: Case, direct: nn.Module) -> str:
    """Hold the streamed model against the library's own, and return its fingerprint."""
    expected = observed(direct, case)

    found = observed(client.build(case.spec).torch(), case)

    assert_telling(expected)
    assert largest_difference(expected, found) == 0.0
    assert fingerprint(expected) == fingerprint(found)
    return fingerprint(found)


def check_naive(case: Case, file: PublishedFile, direct: nn.Module) -> None:
    """See that these comparisons notice what a strict load of the same numbers loses."""
    expected = observed(direct, case)

    found = observed(naive(case, file), case)

    assert_telling(found)
    assert expected.keys() == found.keys()
    assert largest_difference(expected, found) > 1e-4


def check_new_head(client: CatalogClient, case: Case, direct: nn.Module) -> None:
    """Hold the features that a new head gets against the library's own."""
    expected = features(direct, case, case.head)

    found = features(client.build(case.new_spec).torch(), case, case.new_head or case.head)

    assert_telling(expected)
    assert largest_difference(expected, found) == 0.0


def assert_telling(tensors: dict[str, torch.Tensor]) -> None:
    """Two models that put out nothing, zeros or NaN would agree on everything."""
    numbers = {n: t for n, t in tensors.items() if t.is_floating_point() and t.numel() > 1}
    assert all(tensor.isfinite().all() for tensor in numbers.values())
    last = [name.split()[1:] for name in numbers][-1]
    assert any(tensor.std() > 0 for name, tensor in numbers.items() if name.split()[1:] == last)


def name_of(case: Case) -> str:
    return case.architecture_id


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    torch.set_num_threads(1)
    return publish(tmp_path_factory.mktemp("golden"), QUICK)


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[CatalogClient]:
    with site.catalog("first") as address, CatalogClient(address) as client:
        yield client


@pytest.fixture(scope="module", params=QUICK, ids=name_of)
def case(request: pytest.FixtureRequest) -> Case:
    chosen: Case = request.param
    return chosen


@pytest.fixture(scope="module")
def direct(case: Case, site: Site, tmp_path_factory: pytest.TempPathFactory) -> nn.Module:
    return pretrained(case, site.files[case.architecture_id], tmp_path_factory.mktemp("direct"))


def test_the_streamed_model_computes_what_its_librarys_build_computes(
    client: CatalogClient, case: Case, direct: nn.Module
) -> None:
    check_published(client, case, direct)


def test_a_new_head_gets_the_features_of_the_librarys_build(
    client: CatalogClient, case: Case, direct: nn.Module
) -> None:
    check_new_head(client, case, direct)


@pytest.mark.parametrize("spoilt", [c for c in QUICK if c.naive_arguments], ids=name_of)
def test_a_strict_load_of_the_same_numbers_computes_something_else(
    site: Site, spoilt: Case, tmp_path: Path
) -> None:
    file = site.files[spoilt.architecture_id]

    check_naive(spoilt, file, pretrained(spoilt, file, tmp_path))


def test_fingerprints_outlive_the_processes(client: CatalogClient, site: Site) -> None:
    """A catalog that converts everything anew, then the same one started again."""
    smallest = QUICK[:1]
    models = {case.architecture_id: client.build(case.spec).torch() for case in smallest}
    here = {name: fingerprint(observed(model, CASES[name])) for name, model in models.items()}

    for _ in range(2):
        with site.catalog("second") as address:
            assert fingerprints(address, smallest) == here


@pytest.mark.full
@pytest.mark.parametrize("case", CASES.values(), ids=name_of)
def test_every_family_computes_the_same_everywhere(case: Case, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    site = publish(tmp_path, [case])
    file = site.files[case.architecture_id]
    direct = pretrained(case, file, tmp_path / "direct")

    if case.naive_arguments is not None:
        check_naive(case, file, direct)
    with site.catalog("first") as address, CatalogClient(address) as client:
        streamed = {case.architecture_id: check_published(client, case, direct)}
        if case.new_task:
            check_new_head(client, case, direct)
    with site.catalog("second") as address:
        assert fingerprints(address, [case]) == streamed


def test_no_family_is_left_out() -> None:
    tried = {family_of(architecture_id).name for architecture_id in CASES}

    assert tried == {family.name for family in families().values()}
