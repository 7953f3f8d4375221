"""The compose files are what Compose takes, and their services can start and end."""

import gzip
import json
import re
from typing import Any

import jsonschema
import pytest
import sqlalchemy as sql
import yaml

from catalog_service.serving.door_settings import doors_of
from catalog_service.serving.drain import DrainTiming
from catalog_service.serving.settings_reader import read_settings
from catalog_service.settings import CatalogSettings
from catalog_service.sql_engine import PASSWORD_FILE
from tests.fakes.charts import ROOT
from tests.fakes.dockerfile import dockerfile, entrypoint, stages
from trainer_service.__main__ import HOOKS_S
from trainer_service.container.__main__ import options
from trainer_service.settings import TrainerSettings
from vertebra.gateway.__main__ import gateway_of

COMPOSE = ROOT / "deploy/compose"
SCHEMA = ROOT / "tests/deploy/schemas/compose.json.gz"
SETTINGS = {"catalog": CatalogSettings, "trainer": TrainerSettings}
OURS = ("catalog", "trainer", "gateway")

Document = dict[str, Any]


def document(name: str) -> Document:
    """Return a file with nothing given: `${NAME}` and `${NAME:-default}` filled in."""
    text = (COMPOSE / name).read_text()
    return yaml.safe_load(re.sub(r"\$\{\w+(?::-([^}]*))?\}", r"\1", text))


def project(*files: str) -> Document:
    """Return what files say together: the second changes what the first says of a service."""
    first, *others = map(document, files)
    for other in others:
        for name, changes in other["services"].items():
            service = first["services"][name]
            environment = service["environment"] | changes.pop("environment", {})
            service |= changes | {"environment": environment}
    return first


@pytest.mark.parametrize("name", sorted(path.name for path in COMPOSE.glob("*.yaml")))
def test_a_file_is_what_compose_takes(name):
    """By the specification's own schema; a field that it does not know is an error."""
    schema = json.loads(gzip.decompress(SCHEMA.read_bytes()))
    found = document(name)

    jsonschema.validate(found, schema)
    with pytest.raises(jsonschema.ValidationError, match="unexpected"):
        broken = {**found["services"]["trainer"], "stop_grace": "1s"}
        jsonschema.validate({"services": {"trainer": broken}}, schema)


def test_the_password_is_in_a_file_and_in_no_containers_environment():
    """A default one would be everybody's; what is in an environment, everybody can ask Docker."""
    whole = project("compose.yaml")
    (secret,) = whole["secrets"].items()
    readers = {name for name, one in whole["services"].items() if "secrets" in one}

    assert secret == ("database", {"file": "./secrets/database"})
    assert readers == {"postgres", "catalog", "trainer"}
    for name in readers:
        service = whole["services"][name]
        assert service["secrets"] == ["database"]
        assert "/run/secrets/database" in str(service["environment"])
        assert not re.search(r"PASSWORD: |vertebra:", str(service["environment"]))


@pytest.mark.parametrize("files", [("compose.yaml",), ("compose.yaml", "gpu.yaml")])
@pytest.mark.parametrize("name", SETTINGS)
def test_a_service_starts_with_its_environment(monkeypatch, name, files):
    """The image's, and what Compose adds, said to the very class that reads it."""
    service = project(*files)["services"][name]
    environment = stages(name)[-1].environment | service["environment"]
    for variable in environment.keys() - {"HOME", "PATH"}:
        monkeypatch.setenv(variable, environment[variable] or "")
    settings = read_settings(SETTINGS[name])
    doors_of(settings)
    url = sql.make_url(settings.database_url)

    assert (url.host, url.database, url.password) == ("postgres", name, None)
    assert url.query == {PASSWORD_FILE: "/run/secrets/database"}
    assert settings.shares_paths is False


def test_both_databases_are_made():
    """One by PostgreSQL's image, the other by the first start; health asks for the later one."""
    services = project("compose.yaml")
    database = services["services"]["postgres"]

    assert database["environment"]["POSTGRES_DB"] == "catalog"
    assert services["configs"]["databases"]["content"] == "CREATE DATABASE trainer;"
    assert "--dbname=trainer" in database["healthcheck"]["test"]


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_no_more_rights_than_they_need(name):
    """A tree that cannot be written, but for a volume and memory."""
    service = project("compose.yaml")["services"][name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]
    assert (COMPOSE / service["build"]["context"]).resolve() == ROOT
    assert service["build"]["dockerfile"] == str(dockerfile(name).relative_to(ROOT))


def test_ports_are_open_to_this_host_alone():
    """Nobody is asked who they are; and they are the ports of the images."""
    for name in OURS:
        service = project("compose.yaml")["services"][name]
        (published,) = service["ports"]
        address, outside, inside = published.split(":")

        assert address == "127.0.0.1"
        assert outside == inside
        assert inside in stages(name)[-1].last("EXPOSE").words
    assert "ports" not in project("compose.yaml")["services"]["postgres"]


def test_who_is_waited_for_can_say_that_it_is_well():
    """A dependency without a health check is never healthy."""
    services = project("compose.yaml")["services"]
    for service in services.values():
        for other, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            checks = (
                [one.keyword for one in stages(other)[-1].instructions] if other in OURS else []
            )
            assert "healthcheck" in services[other] or "HEALTHCHECK" in checks


def test_the_gateway_knows_the_services_by_their_names():
    """And answers only to this host's."""
    services = project("compose.yaml")["services"]
    gateway = gateway_of([*entrypoint("gateway")[3:], *services["gateway"]["command"]])

    assert (
        gateway.catalog
        == "catalog:50551"
        == services["trainer"]["environment"]["VERTEBRA_TRAINER_CATALOG"]
    )
    assert gateway.trainer == "trainer:50552"
    assert gateway.hosts == ("127.0.0.1", "localhost")
    assert gateway.console_folder is not None


def test_containers_end_before_they_are_killed():
    """Every wait of a shutdown, one after the other."""
    services = project("compose.yaml")["services"]
    orders = options(stages("trainer")[-1].last("CMD").words)
    hooks_s = TrainerSettings.model_fields["grace_s"].default + HOOKS_S
    needed = {
        "catalog": DrainTiming().total_s + DrainTiming().hooks_s,
        "trainer": orders.grace_s + orders.others_grace_s,
    }

    assert orders.grace_s >= DrainTiming().total_s + hooks_s
    for name, seconds in needed.items():
        assert int(services[name]["stop_grace_period"].removesuffix("s")) >= seconds + 5


def test_with_gpus_the_trainer_uses_them():
    """The container has them, and the service insists on them."""
    trainer = project("compose.yaml", "gpu.yaml")["services"]["trainer"]
    (device,) = trainer["deploy"]["resources"]["reservations"]["devices"]

    assert device["capabilities"] == ["gpu"]
    assert trainer["environment"]["VERTEBRA_TRAINER_DEVICE"] == "cuda"
