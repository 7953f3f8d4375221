"""What a rendered pod would find when it starts: its environment, its files, who may reach it."""

import re
from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]

SECRET_VALUES = {
    "database-url": "postgresql+psycopg://vertebra:secret@db.example/vertebra",
    "token": "hf_secret",
}
"""By key."""

SETTINGS_PREFIXES = {"catalog": "VERTEBRA_CATALOG_", "trainer": "VERTEBRA_TRAINER_"}


def workloads(documents: list[Document]) -> Iterator[Document]:
    """Yield everything that has pods."""
    return (one for one in documents if one["kind"] in ("Deployment", "StatefulSet"))


def pod_of(workload: Document) -> Document:
    """Return the spec of its pods."""
    spec: Document = workload["spec"]["template"]["spec"]
    return spec


def container_of(workload: Document) -> Document:
    """Return the only container of its pods."""
    (container,) = pod_of(workload)["containers"]
    return container


def environment(workload: Document) -> dict[str, str]:
    """Return what the process would find in its environment."""
    container = container_of(workload)
    return {one["name"]: _value(one, container) for one in container.get("env", [])}


def arguments(workload: Document) -> list[str]:
    """Return the container's arguments, with `$(NAME)` filled in as a kubelet does."""
    found = environment(workload)
    return [
        re.sub(r"\$\((\w+)\)", lambda name: found[name[1]], word)
        for word in container_of(workload).get("args", [])
    ]


def _value(variable: Document, container: Document) -> str:
    if "value" in variable:
        return str(variable["value"])
    source = variable["valueFrom"]
    if "secretKeyRef" in source:
        return SECRET_VALUES[source["secretKeyRef"]["key"]]
    kind, _, name = source["resourceFieldRef"]["resource"].partition(".")
    amount = container["resources"][kind][name]
    return str(int(amount.removesuffix("Mi")) << 20)


def named(documents: list[Document], kind: str, name: str) -> Document:
    """Return one document."""
    (found,) = [one for one in documents if one["kind"] == kind and one["metadata"]["name"] == name]
    return found


def labels_of(workload: Document) -> dict[str, str]:
    """Return the labels of its pods."""
    labels: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return labels


def selects(selector: dict[str, str], labels: dict[str, str]) -> bool:
    """Return whether `matchLabels` fit."""
    return selector.items() <= labels.items()


def may_connect(
    documents: list[Document], source: dict[str, str], target: dict[str, str], port: int
) -> bool:
    """Return whether the network policies let pods with `source` labels reach others at a port.

    Of peers only pods of the same namespace are looked at.
    """
    policies = [one["spec"] for one in documents if one["kind"] == "NetworkPolicy"]
    return _is_allowed(policies, "egress", "to", source, target, port) and _is_allowed(
        policies, "ingress", "from", target, source, port
    )


def _is_allowed(
    policies: list[Document],
    way: str,
    peers: str,
    own: dict[str, str],
    other: dict[str, str],
    port: int,
) -> bool:
    about = [one for one in policies if selects(one["podSelector"]["matchLabels"], own)]
    if not about:
        return True
    rules = [rule for policy in about for rule in policy.get(way) or []]
    return any(
        port in [one["port"] for one in rule["ports"]]
        and (peers not in rule or any(_fits(peer, other) for peer in rule[peers]))
        for rule in rules
    )


def _fits(peer: Document, labels: dict[str, str]) -> bool:
    is_here = "podSelector" in peer and "namespaceSelector" not in peer
    return is_here and selects(peer["podSelector"]["matchLabels"], labels)
