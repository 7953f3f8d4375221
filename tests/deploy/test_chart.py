"""The chart renders what Kubernetes and the meshes take, refuses what contradicts itself, and its
pods can start."""

import itertools
import json
import re
import subprocess
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import trustme
import yaml

from catalog_service.serving.door_settings import doors_of
from catalog_service.serving.drain import DrainTiming
from catalog_service.serving.listen import Listen
from catalog_service.serving.settings_reader import read_settings, variable_name
from catalog_service.settings import CatalogSettings
from tests import pages
from tests.fakes.authority import Issuer
from tests.fakes.chart_pods import (
    arguments,
    container_of,
    environment,
    labels_of,
    may_connect,
    named,
    pod_of,
    selects,
    workloads,
)
from tests.fakes.chart_values import (
    ALL_VALUES,
    DIGEST,
    MESHES,
    PRODUCTION,
    REFUSED,
    TO_THE_DATABASE,
)
from tests.fakes.charts import ROOT, ChartRefused
from tests.fakes.dockerfile import IMAGES, entrypoint, stages
from trainer_service import __main__ as trainer_main
from trainer_service.container.__main__ import options
from trainer_service.settings import TrainerSettings
from vertebra.gateway.__main__ import gateway_of, written
from vertebra.gateway.descriptors import service_names
from vertebra.gateway.running import envoy_program

GOLDEN = Path(__file__).parent / "golden"
SCHEMA = ROOT / "deploy/helm/vertebra/values.schema.json"
SETTINGS = {"VERTEBRA_CATALOG_": CatalogSettings, "VERTEBRA_TRAINER_": TrainerSettings}
NAME = "studio-vertebra"
ACCESS = '[[caller]]\nname = "spiffe://*"\nroles = ["user"]\n'

every_site = pytest.mark.parametrize("site", ALL_VALUES)
production = pytest.mark.parametrize("site", ["production"])


@every_site
def test_kubernetes_and_the_meshes_take_every_document(chart, site):
    """Strictly: a field that the schema does not know is an error."""
    documents = chart.documents(ALL_VALUES[site])

    assert chart.problems(documents) == []
    assert chart.lint(ALL_VALUES[site]) == []


def test_a_field_that_nobody_knows_is_found(chart):
    """Otherwise the test above would show nothing."""
    documents = [*chart.documents(MESHES["istio"]), *chart.documents(MESHES["gateway"])]
    documents += chart.documents(MESHES["linkerd"])
    by_kind = {one["kind"]: one for one in documents}
    by_kind["Deployment"]["spec"]["template"]["spec"]["readOnly"] = True
    by_kind["VirtualService"]["spec"]["http"][0]["timeOut"] = "0s"
    by_kind["BackendTrafficPolicy"]["spec"]["timeout"]["http"]["requestTimeout"] = "forever"
    by_kind["GRPCRoute"]["spec"]["rules"][0]["timeouts"] = {"request": "0s"}
    by_kind["Server"]["spec"]["ports"] = [50551]

    problems = "\n".join(chart.problems(list(by_kind.values())))

    for word in ("readOnly", "timeOut", "forever", "timeouts", "ports"):
        assert f"'{word}'" in problems


@pytest.mark.parametrize("refusal", REFUSED)
def test_what_contradicts_itself_is_refused_with_what_would_be_right(chart, refusal):
    """Before anything reaches a cluster."""
    values, words = REFUSED[refusal]

    with pytest.raises(ChartRefused) as refused:
        chart.text(values)

    assert words in str(refused.value)


@pytest.mark.parametrize("mesh", [*MESHES, "production"])
def test_what_is_rendered_is_what_was_looked_at(chart, mesh):
    """`python -m tests.deploy.write_golden` writes them anew; look at the difference."""
    written = (GOLDEN / f"{mesh}.yaml").read_text()

    assert chart.text(ALL_VALUES[mesh]) == written


@every_site
def test_every_service_starts_with_the_settings_of_its_pod(chart, site, tmp_path, monkeypatch):
    """The very classes that read the environment take it, with the doors that follow from it."""
    for workload in workloads(chart.documents(ALL_VALUES[site])):
        found = environment(workload)
        prefixes = [prefix for prefix in SETTINGS if f"{prefix}HOME" in found]
        for prefix in prefixes:
            with monkeypatch.context() as patched:
                put_secrets(tmp_path)
                for name, value in found.items():
                    patched.setenv(name, value.replace("/etc/vertebra", str(tmp_path)))
                settings = read_settings(SETTINGS[prefix])
                doors = doors_of(settings)

            assert settings.listen.host == ("[::]" if "ipv6" in ALL_VALUES[site] else "0.0.0.0")
            assert settings.shares_paths is False
            assert (doors.certificates is None) == settings.plaintext
            assert (doors.access is None) == ("access" not in ALL_VALUES[site])


def put_secrets(folder: Path) -> None:
    """Write what the mounted secrets have."""
    authority = trustme.CA()
    certificate = authority.issue_cert(NAME)
    for name in ("tls", "access", "catalog-token"):
        (folder / name).mkdir(exist_ok=True)
    authority.cert_pem.write_to_path(folder / "tls/ca.crt")
    certificate.cert_chain_pems[0].write_to_path(folder / "tls/tls.crt")
    certificate.private_key_pem.write_to_path(folder / "tls/tls.key")
    (folder / "access/access.toml").write_text(ACCESS)
    (folder / "catalog-token/token").write_text("secret")


@every_site
def test_a_gateways_arguments_are_those_that_it_takes(chart, site):
    """Rendered into the configuration of Envoy, they name the services by their own addresses."""
    documents = chart.documents(ALL_VALUES[site])
    for workload in workloads(documents):
        if workload["metadata"]["name"] != f"{NAME}-gateway":
            continue
        gateway = gateway_of([*entrypoint("gateway")[3:], *arguments(workload)])

        for address in (gateway.catalog, gateway.trainer):
            service, port = address.split(":")
            assert [one["port"] for one in named(documents, "Service", service)["spec"]["ports"]]
            assert named(documents, "Service", service)["spec"]["ports"][0]["port"] == int(port)
        assert (gateway.service_tls is None) == ("secrets" not in ALL_VALUES[site].get("tls", {}))


@pytest.mark.parametrize("site", ["production", "istio", "at-the-gateway", "platform"])
def test_envoy_takes_what_a_gateways_arguments_make(chart, site, tmp_path):
    """With certificates both ways, with tokens, and with none."""
    (tmp_path / "index.html").write_text("console")
    put_secrets(tmp_path)
    (tmp_path / "tls").rename(tmp_path / "listen")
    put_secrets(tmp_path)
    (tmp_path / "issuer").mkdir()
    (tmp_path / "issuer/jwks.json").write_bytes(Issuer().key_set())
    workload = named(chart.documents(ALL_VALUES[site]), "Deployment", f"{NAME}-gateway")
    words = [*entrypoint("gateway")[3:], *arguments(workload)]
    here = [
        word.replace("/etc/vertebra", str(tmp_path)).replace("/tmp/gateway", str(tmp_path / "made"))
        for word in words
        if word != "--console"
    ]
    config = written(gateway_of([*here, f"--console={tmp_path}"]), tmp_path / "made")
    done = subprocess.run(
        [envoy_program(), "--mode", "validate", "-c", config], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr


@every_site
def test_a_pod_runs_an_image_that_is_built_here_as_that_is_meant_to_be_run(chart, site):
    """Its user is the image's; its folders are where the image looks for them."""
    for workload in workloads(chart.documents(ALL_VALUES[site])):
        container, pod = container_of(workload), pod_of(workload)
        image = re.fullmatch(r"(?:.*/)?vertebra-(\w+):[\w.]+(@sha256:\w+)?", container["image"])
        assert image is not None
        assert image[1] in IMAGES
        shipped = stages(image[1])[-1]
        user = pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]
        assert shipped.last("USER").value == "{}:{}".format(*user)
        for name, value in shipped.environment.items():
            if name.endswith(("_HOME", "_LISTEN")):
                assert environment(workload)[name].replace("[::]", "0.0.0.0") == value


@every_site
def test_what_is_mounted_is_used_and_what_is_used_is_mounted(chart, site):
    """A forgotten mount is a pod that does not start; a mount too many is a door."""
    for workload in workloads(chart.documents(ALL_VALUES[site])):
        container, pod = container_of(workload), pod_of(workload)
        mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        volumes = {volume["name"] for volume in pod.get("volumes", [])}
        volumes |= {
            one["metadata"]["name"] for one in workload["spec"].get("volumeClaimTemplates", [])
        }
        words = [*environment(workload).values(), *container.get("args", [])]
        paths = [
            part for word in words for part in word.partition("=")[2].split(":") + word.split(":")
        ]
        used = {Path(part) for part in paths if part.startswith("/") and not part.startswith("//")}

        assert set(mounts.values()) == volumes
        for path in mounts.keys() - {"/tmp", "/dev/shm"}:
            assert any(one.is_relative_to(path) for one in used), path
        for path in used:
            assert any(path.is_relative_to(mount) for mount in mounts), path


@every_site
def test_pods_have_no_more_rights_than_they_need(chart, site):
    """Nobody in particular, no tree to write in, no token of Kubernetes."""
    for workload in workloads(chart.documents(ALL_VALUES[site])):
        pod, container = pod_of(workload), container_of(workload)

        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@every_site
def test_selectors_find_pods_and_ports_that_there_are(chart, site):
    """A service without endpoints, or a budget of nothing, is silent."""
    documents = chart.documents(ALL_VALUES[site])
    pods = [(labels_of(one), container_of(one)) for one in workloads(documents)]
    selecting = [one for one in documents if "selector" in one.get("spec", {})]
    selecting = [one for one in selecting if one["kind"] != "PodMonitor"]
    for one in selecting:
        selector = one["spec"]["selector"]
        selector = selector.get("matchLabels", selector)
        found = [container for labels, container in pods if selects(selector, labels)]
        assert len(found) == 1, one["metadata"]["name"]
        for port in one["spec"].get("ports", []):
            assert port["targetPort"] in [had["name"] for had in found[0]["ports"]]
            assert port["port"] in [had["containerPort"] for had in found[0]["ports"]]


@every_site
def test_ports_are_where_the_services_listen(chart, site):
    """By the settings of the same pod; probes ask ports that there are."""
    for workload in workloads(chart.documents(ALL_VALUES[site])):
        ports = {one["name"]: one["containerPort"] for one in container_of(workload)["ports"]}
        for name, address in environment(workload).items():
            if name.endswith("_ADMIN_LISTEN"):
                assert Listen.parse(address).port == ports["admin"]
            elif name.endswith("_LISTEN"):
                assert Listen.parse(address).port == ports["grpc"]
        for name in ("startupProbe", "readinessProbe"):
            probe = container_of(workload)[name]
            assert probe.get("httpGet", probe.get("tcpSocket"))["port"] in ports


@every_site
def test_a_pod_ends_before_it_is_killed(chart, site):
    """Every wait of a shutdown, one after the other, fits into the pod's time with a margin."""
    for workload in workloads(chart.documents(ALL_VALUES[site])):
        container, found = container_of(workload), environment(workload)
        asleep = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        grace = pod_of(workload)["terminationGracePeriodSeconds"]
        if found.get("VERTEBRA_TRAINER_ON_STOP"):
            hooks_s = float(found["VERTEBRA_TRAINER_GRACE_S"]) + trainer_main.HOOKS_S
            timing = DrainTiming(hooks_s=hooks_s)
            orders = options(container["args"])
            assert orders.grace_s >= timing.total_s + hooks_s
            needed = orders.grace_s + orders.others_grace_s
        else:
            needed = DrainTiming().total_s + DrainTiming().hooks_s

        assert asleep == 10
        assert grace >= asleep + needed + 5


def test_only_the_pod_that_runs_jobs_has_no_liveness_probe(chart, monkeypatch):
    """A kubelet would end the jobs with the API; process 1 asks instead and restarts the API."""
    probed = {
        one["metadata"]["name"].removeprefix(f"{NAME}-"): "livenessProbe" in container_of(one)
        for one in workloads(chart.documents(PRODUCTION))
    }
    trainer = named(chart.documents(PRODUCTION), "StatefulSet", f"{NAME}-trainer")
    monkeypatch.setenv(*admin_listen(trainer))
    orders = options(container_of(trainer)["args"])

    assert probed == {"catalog": True, "gateway": True, "trainer": False, "trainer-api": True}
    assert orders.live_url == "http://127.0.0.1:50562/live"
    assert list(orders.command) == ["python", "-m", "trainer_service"]


def admin_listen(workload: dict) -> tuple[str, str]:
    """Return the variable that says where a pod's admin port is, and what it says."""
    name = "VERTEBRA_TRAINER_ADMIN_LISTEN"
    return name, environment(workload)[name]


def test_gpus_are_asked_for_where_jobs_run_and_nowhere_else(chart):
    """The pods that only answer are scheduled to any node."""
    documents = chart.documents(PRODUCTION)
    limits = {
        one["metadata"]["name"]: container_of(one)["resources"]["limits"].get("nvidia.com/gpu")
        for one in workloads(documents)
    }
    trainer = pod_of(named(documents, "StatefulSet", f"{NAME}-trainer"))
    (term,) = trainer["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ]

    assert limits == {
        f"{NAME}-catalog": None,
        f"{NAME}-gateway": None,
        f"{NAME}-trainer": 8,
        f"{NAME}-trainer-api": None,
    }
    assert term["matchExpressions"][0]["values"] == ["NVIDIA-H200"]
    assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in trainer[
        "tolerations"
    ]


LONG = "a-very-long-name-of-a-release-of-the-vision-team-0001"


@pytest.mark.parametrize("name", ["123", "1e3", "true", "vertebra", LONG])
def test_any_name_of_a_release_makes_names_and_labels_that_kubernetes_takes(chart, name):
    """A StatefulSet's pods have a label of its name, `-trainer` and a hash: 63 characters."""
    documents = chart.documents(PRODUCTION, name)

    assert chart.problems(documents) == []
    for one in documents:
        room = len("-0123456789") if one["kind"] == "StatefulSet" else 0
        assert len(one["metadata"]["name"]) + room <= 63


def test_two_releases_with_long_names_share_nothing(chart):
    """Names that are cut alone would be the same."""
    names = [
        {(one["kind"], one["metadata"]["name"]) for one in chart.documents(PRODUCTION, name)}
        for name in (LONG, f"{LONG[:-1]}2")
    ]

    assert not names[0] & names[1]


def test_a_platform_brings_its_authorities_its_keys_and_its_accounts(chart):
    """Variables and files of its own, images by digest, and pods on IPv6."""
    documents = chart.documents(ALL_VALUES["platform"])
    account = named(documents, "ServiceAccount", f"{NAME}-catalog")
    trainer = named(documents, "StatefulSet", f"{NAME}-trainer")
    volumes = {one["name"]: one for one in pod_of(trainer)["volumes"]}

    assert account["metadata"]["annotations"] == {
        "eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/catalog"
    }
    assert container_of(trainer)["image"].endswith(f"@{DIGEST}")
    assert environment(trainer)["AWS_CA_BUNDLE"] == "/etc/studio-ca/ca.pem"
    assert volumes["studio-ca"]["configMap"] == {"name": "studio-ca"}
    assert volumes["keys"]["secret"]["secretName"] == "images-keys"
    assert volumes["lists"]["persistentVolumeClaim"] == {"claimName": "lists", "readOnly": True}


def test_a_gateway_that_fetches_keys_may_go_where_they_are(chart):
    """And one that has them may not: it goes nowhere but to the services."""
    ways = {}
    for site in ("platform", "at-the-gateway"):
        policy = named(chart.documents(ALL_VALUES[site]), "NetworkPolicy", f"{NAME}-gateway")
        ways[site] = TO_THE_DATABASE[0] in policy["spec"]["egress"]

    assert ways == {"platform": True, "at-the-gateway": False}


def test_the_catalogs_way_out_is_there_on_ipv6_and_leads_to_no_cloud_metadata(chart):
    policy = named(chart.documents(PRODUCTION), "NetworkPolicy", f"{NAME}-catalog")
    blocks = [
        peer["ipBlock"]
        for rule in policy["spec"]["egress"]
        for peer in rule.get("to", [])
        if "ipBlock" in peer and "except" in peer["ipBlock"]
    ]
    excepted = [ip_network(one) for block in blocks for one in block["except"]]

    assert {block["cidr"] for block in blocks} == {"0.0.0.0/0", "::/0"}
    for address in map(ip_address, ("169.254.169.254", "fd00:ec2::254", "fe80::a9fe:a9fe")):
        assert any(address in network for network in excepted)


def test_meshes_know_a_cluster_by_its_own_domain(chart):
    """Under another name a policy is nobody's, and nothing says so."""
    own = {"clusterDomain": "cluster.studio"}
    istio = chart.text(MESHES["istio"] | own | {"istio": {"trustDomain": "studio.trust"}})
    linkerd = chart.text(MESHES["linkerd"] | own | {"linkerd": {"trustDomain": "studio.trust"}})

    assert "studio-vertebra-catalog.ml.svc.cluster.studio" in istio
    assert "studio.trust/ns/ml/sa/studio-vertebra-trainer" in istio
    assert "studio-vertebra-trainer.ml.serviceaccount.identity.linkerd.studio.trust" in linkerd
    assert "cluster.local" not in istio + linkerd


WAYS = [
    ("trainer", "catalog", 50551, True),
    ("trainer-api", "catalog", 50551, True),
    ("gateway", "catalog", 50551, True),
    ("gateway", "trainer-api", 50552, True),
    ("gateway", "trainer", 50552, False),
    ("catalog", "trainer", 50552, False),
    ("trainer", "gateway", 50550, False),
    ("gateway", "catalog", 50561, False),
]


@production
@pytest.mark.parametrize(("source", "target", "port", "may"), WAYS)
def test_network_policies_let_through_what_is_called_and_nothing_else(
    chart, site, source, target, port, may
):
    """As the cluster would judge it."""
    documents = chart.documents(ALL_VALUES[site])
    labels = {
        one["metadata"]["name"].removeprefix(f"{NAME}-"): labels_of(one)
        for one in workloads(documents)
    }

    assert may_connect(documents, labels[source], labels[target], port) is may


def test_a_stranger_reaches_nobody(chart):
    """A pod of the same namespace that is none of ours."""
    documents = chart.documents(PRODUCTION)
    ports = (50550, 50551, 50552, 50561, 50562)
    for workload, port in itertools.product(workloads(documents), ports):
        assert not may_connect(documents, {"app": "stranger"}, labels_of(workload), port)


def test_monitors_find_every_admin_port_under_the_jobs_that_alerts_know(chart):
    """Without the relabelling a job would be called by its namespace and monitor."""
    documents = chart.documents(PRODUCTION)
    known = yaml.safe_load((ROOT / "deploy/observability/prometheus.yaml").read_text())
    found = {}
    for monitor in (one["spec"] for one in documents if one["kind"] == "PodMonitor"):
        (wanted,) = monitor["selector"]["matchExpressions"]
        (endpoint,) = monitor["podMetricsEndpoints"]
        for pod in workloads(documents):
            labels = labels_of(pod)
            is_meant = labels[wanted["key"]] in wanted["values"]
            if is_meant and selects(monitor["selector"]["matchLabels"], labels):
                ports = [port["name"] for port in container_of(pod)["ports"]]
                assert endpoint["port"] in ports
                found[pod["metadata"]["name"]] = endpoint["relabelings"][0]["replacement"]

    assert found == {
        f"{NAME}-catalog": "vertebra-catalog",
        f"{NAME}-trainer": "vertebra-trainer",
        f"{NAME}-trainer-api": "vertebra-trainer",
    }
    assert set(found.values()) == {job["job_name"] for job in known["scrape_configs"]}


def test_alerts_and_dashboard_in_a_cluster_are_the_shipped_ones(chart):
    """The chart has the same files, not copies."""
    shown = {"plaintext": True, "monitoring": {"alerts": True, "dashboard": True}}
    documents = chart.documents(shown)
    rules = named(documents, "PrometheusRule", NAME)["spec"]
    dashboard = named(documents, "ConfigMap", f"{NAME}-dashboard")

    assert chart.problems(documents) == []
    assert rules == yaml.safe_load((ROOT / "deploy/observability/alerts.yaml").read_text())
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(dashboard["data"]["vertebra.json"]) == json.loads(
        (ROOT / "deploy/observability/dashboard.json").read_text()
    )


def test_a_site_chooses_runtime_priority_and_when_jobs_are_interrupted(chart):
    """What platform teams ask charts of GPU services for."""
    documents = chart.documents(PRODUCTION)
    trainer = named(documents, "StatefulSet", f"{NAME}-trainer")
    api = named(documents, "Deployment", f"{NAME}-trainer-api")
    catalog = named(documents, "Deployment", f"{NAME}-catalog")
    scaler = named(documents, "HorizontalPodAutoscaler", f"{NAME}-catalog")["spec"]["metrics"]

    assert pod_of(trainer)["runtimeClassName"] == "nvidia"
    assert "runtimeClassName" not in pod_of(api)
    assert pod_of(api)["nodeSelector"] == {"pool": "cpu"}
    assert pod_of(catalog)["priorityClassName"] == "serving"
    assert trainer["spec"]["updateStrategy"] == {"type": "OnDelete"}
    assert scaler[1]["pods"]["metric"]["name"] == "vertebra_rpc_in_flight"


def test_one_pod_alone_is_in_no_drains_way(chart):
    """A budget of one pod that may not go would hold a node for ever, with jobs or without."""
    alone = chart.documents(MESHES["none"] | {"gateway": {"enabled": True, "replicas": 1}})
    several = chart.documents(PRODUCTION)
    budgets = [one for one in alone if one["kind"] == "PodDisruptionBudget"]

    assert [one["metadata"]["name"] for one in budgets] == [f"{NAME}-trainer"]
    assert budgets[0]["spec"]["maxUnavailable"] == 1
    for one in several:
        if one["kind"] == "PodDisruptionBudget" and one["metadata"]["name"] != f"{NAME}-trainer":
            assert one["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_istio_repeats_nothing_and_cuts_nothing(chart):
    """Its default runs a call up to three times."""
    routes = [
        one["spec"]["http"][0]
        for one in chart.documents(MESHES["istio"])
        if one["kind"] == "VirtualService"
    ]

    assert len(routes) == 3
    assert {route["timeout"] for route in routes} == {"0s"}
    assert [route["retries"] for route in routes] == [{"attempts": 0}] * 3


def test_envoy_gateway_cuts_no_stream(chart):
    """A GRPCRoute alone would be cut after 15 seconds; heartbeats come every 15 s."""
    documents = chart.documents(MESHES["gateway"])
    policy = named(documents, "BackendTrafficPolicy", NAME)["spec"]
    route = named(documents, "GRPCRoute", NAME)

    assert policy["targetRefs"][0]["name"] == route["metadata"]["name"]
    assert policy["timeout"]["http"]["requestTimeout"] == "0s"
    assert policy["timeout"]["http"]["maxStreamDuration"] == "0s"
    assert policy["timeout"]["http"]["streamIdleTimeout"] == "300s"


def test_a_site_gateway_routes_every_service_of_the_contract(chart):
    """One that is missing would be answered UNIMPLEMENTED by nobody in particular."""
    route = named(chart.documents(MESHES["gateway"]), "GRPCRoute", NAME)["spec"]["rules"]
    routed = {match["method"]["service"] for rule in route for match in rule["matches"]}

    assert routed == {name for name in service_names() if name.startswith("vertebra.")}


def test_hosts_that_run_jobs_answer_nobody_where_others_answer_for_them(chart):
    """In every mesh; the way to them would be a way around."""
    values = ALL_VALUES["istio-hosts"]
    istio = chart.documents(values)
    linkerd = chart.documents({**values, "mesh": "linkerd"})
    plain = chart.documents({**values, "mesh": "none", "plaintext": True})
    rules = named(istio, "AuthorizationPolicy", f"{NAME}-trainer-hosts")["spec"]["rules"]
    server = named(linkerd, "Server", f"{NAME}-trainer-hosts")["spec"]
    labels = {one["metadata"]["name"]: labels_of(one) for one in workloads(plain)}
    gateway, hosts = labels[f"{NAME}-gateway"], labels[f"{NAME}-trainer"]

    assert [rule["to"][0]["operation"]["ports"] for rule in rules] == [["50562"]]
    assert server["accessPolicy"] == "deny"
    assert selects(server["podSelector"]["matchLabels"], hosts)
    assert not may_connect(plain, gateway, hosts, 50552)
    assert may_connect(plain, gateway, labels[f"{NAME}-trainer-api"], 50552)


def test_linkerd_lets_in_who_is_named_and_sets_no_timeout(chart):
    """Its timeouts and retries would cut streams and repeat calls."""
    documents = chart.documents(MESHES["linkerd"])
    servers = [one for one in documents if one["kind"] == "Server"]
    policies = {
        one["spec"]["targetRef"]["name"]
        for one in documents
        if one["kind"] == "AuthorizationPolicy"
    }

    assert {one["spec"]["accessPolicy"] for one in servers} == {"deny"}
    assert {one["metadata"]["name"] for one in servers} == policies
    assert "timeout.linkerd.io/" not in json.dumps(documents)
    assert "retry.linkerd.io/" not in json.dumps(documents)


@pytest.mark.parametrize(
    ("room", "cls"), [("catalog", CatalogSettings), ("trainer", TrainerSettings)]
)
def test_settings_that_values_may_have_are_all_that_the_chart_leaves_open(chart, room, cls):
    """A new setting can be used by its name; a misspelt one is refused."""
    schema = json.loads(SCHEMA.read_text())["properties"][room]["properties"]["settings"]
    prefix = f"VERTEBRA_{room.upper()}_"
    # Nodes of Ray need the trainer's home under the same path: deploy/ray is made for that.
    own = {"READY_FILE", "CATALOG_TLS", "CATALOG_SERVER_NAME", "RAY", "RAY_JOBS"}
    for values in (PRODUCTION, MESHES["none"], ALL_VALUES["tokens"]):
        given = ALL_VALUES["none"].get(room, {}).get("settings", {}), values.get(room, {})
        chosen = given[1].get("settings", {})
        for workload in workloads(chart.documents(values)):
            found = {name.removeprefix(prefix) for name in environment(workload) if prefix in name}
            own |= found - chosen.keys()
    every = {variable_name(cls, name) for name in cls.model_fields}
    open_ones = {name.removeprefix(prefix) for name in every if name.startswith(prefix)} - own

    assert sorted(schema["propertyNames"]["enum"]) == sorted(open_ones)


def test_notes_say_what_somebody_should_know(chart):
    """Where it answers, and what is open."""
    notes = chart.notes(MESHES["none"])

    assert f"catalog  {NAME}-catalog.ml.svc:50551" in notes
    assert "Whoever reaches the services may do everything" in notes
    assert "The network policy lets nobody else in" in notes


def test_the_pages_values_are_taken(chart):
    """And its refusal is the chart's."""
    (values,) = pages.shown("In a cluster", "yaml")
    (refusal,) = pages.shown("In a cluster", "text")

    assert chart.problems(chart.documents(yaml.safe_load(values))) == []
    with pytest.raises(ChartRefused, match=re.escape(refusal.rstrip())):
        chart.text({"plaintext": True, "trainer": {"replicas": 2}})
