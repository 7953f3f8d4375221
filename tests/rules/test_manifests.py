"""Manifests name settings that exist, images and volumes that go together, and the pinned Ray."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog_service.serving.door_settings import doors_of
from catalog_service.serving.settings_reader import read_settings
from trainer_service.settings import ENV_PREFIX, TrainerSettings

ROOT = Path(__file__).parents[2]
MANIFESTS = sorted((ROOT / "deploy/ray").glob("*.yaml"))
SETTINGS = {f"{ENV_PREFIX}{name.upper()}" for name in TrainerSettings.model_fields}


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text("utf-8")))


def pods(document: object) -> Iterator[dict[str, Any]]:
    """Yield every pod's spec, wherever it is."""
    if isinstance(document, dict):
        if "containers" in document:
            yield document
        for value in document.values():
            yield from pods(value)
    elif isinstance(document, list):
        for value in document:
            yield from pods(value)


PODS = [pod for path in MANIFESTS for document in documents(path) for pod in pods(document)]


def test_there_is_a_cluster_and_a_trainer_that_uses_it() -> None:
    kinds = [document["kind"] for path in MANIFESTS for document in documents(path)]
    assert kinds == ["PersistentVolumeClaim", "RayCluster", "Deployment", "Service"]
    assert len(PODS) == 3


@pytest.mark.parametrize("pod", PODS, ids=lambda pod: pod["containers"][0]["name"])
def test_a_pod_sets_only_settings_that_there_are_and_mounts_only_what_it_has(
    pod: dict[str, Any],
) -> None:
    volumes = {volume["name"] for volume in pod.get("volumes", [])}
    for container in pod["containers"]:
        named = {one["name"] for one in container["env"] if one["name"].startswith("VERTEBRA_")}
        assert named <= SETTINGS
        assert {mount["name"] for mount in container.get("volumeMounts", [])} == volumes


def test_the_trainer_starts_with_the_settings_of_its_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said to the very class that reads them."""
    for one in PODS[-1]["containers"][0]["env"]:
        monkeypatch.setenv(one["name"], one.get("value", "postgresql+psycopg://db/vertebra"))

    settings = read_settings(TrainerSettings)

    doors_of(settings)
    assert "ray" in settings.engines


def test_all_pods_have_one_image_and_see_what_is_shared_under_one_path() -> None:
    assert len({pod["containers"][0]["image"] for pod in PODS}) == 1
    mounts = [
        mount["mountPath"]
        for pod in PODS
        for mount in pod["containers"][0].get("volumeMounts", [])
        if mount["name"] == "shared"
    ]
    assert len(mounts) == 2
    assert len(set(mounts)) == 1


def test_the_trainer_finds_the_head_that_the_operator_names() -> None:
    """KubeRay calls the service `<cluster>-head-svc`."""
    cluster = next(
        one for path in MANIFESTS for one in documents(path) if one["kind"] == "RayCluster"
    )
    trainer = PODS[-1]["containers"][0]
    address = next(one["value"] for one in trainer["env"] if one["name"] == f"{ENV_PREFIX}RAY")
    assert address == f"ray://{cluster['metadata']['name']}-head-svc:10001"


def test_the_cluster_runs_the_pinned_ray() -> None:
    pinned = re.search(r"^ray==(\S+)", (ROOT / "deploy/requirements.lock").read_text(), re.M)
    cluster = next(
        one for path in MANIFESTS for one in documents(path) if one["kind"] == "RayCluster"
    )
    assert pinned is not None
    assert cluster["spec"]["rayVersion"] == pinned[1]


def test_probes_ask_the_admin_port_which_has_no_tls_whatever_the_other_one_has() -> None:
    trainer = PODS[-1]["containers"][0]
    ports = {one["name"] for one in trainer["ports"]}
    probes = [trainer[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")]
    assert [probe["port"] for probe in probes] == ["admin"] * 3
    assert "admin" in ports


def test_no_variable_is_said_twice() -> None:
    for pod in PODS:
        names = [one["name"] for one in pod["containers"][0]["env"]]
        assert len(names) == len(set(names))
