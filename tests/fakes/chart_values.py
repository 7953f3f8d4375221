"""Values as sites write them, by name: what the chart is rendered, validated and compared with."""

from typing import Any

PARENT = {"name": "public", "namespace": "gateways"}
DATABASE = {"secretName": "databases"}
TO_THE_DATABASE = [{"to": [{"ipBlock": {"cidr": "10.7.0.0/16"}}], "ports": [{"port": 5432}]}]
WEB = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "web"}}}]
SECRETS = {"catalog": "catalog-tls", "trainer": "trainer-tls", "gateway": "gateway-tls"}

MESHES: dict[str, dict[str, Any]] = {
    "none": {"plaintext": True, "gateway": {"enabled": True, "console": True}},
    "istio": {
        "mesh": "istio",
        "gateway": {"enabled": True, "console": True, "hosts": ["vertebra.example"]},
        "istio": {"principals": ["cluster.local/ns/web/sa/console"]},
        "networkPolicy": {"clients": WEB},
    },
    "linkerd": {
        "mesh": "linkerd",
        "gateway": {"enabled": True},
        "linkerd": {"identities": ["console.web.serviceaccount.identity.linkerd.cluster.local"]},
        "networkPolicy": {"clients": WEB},
    },
    "gateway": {
        "mesh": "gateway",
        "plaintext": True,
        "gateway": {"enabled": True, "console": True},
        "gatewayApi": {"parentRefs": [PARENT], "hostnames": ["vertebra.example"]},
        "networkPolicy": {"clients": WEB},
    },
}
"""One a mesh."""

PRODUCTION: dict[str, Any] = {
    "image": {"registry": "images.example/ml/", "tag": "1.2.3", "pullSecrets": ["images"]},
    "tls": {"secrets": SECRETS, "mutual": True},
    "access": {"secretName": "access"},
    "jwt": {"issuer": "https://id.example", "audience": "vertebra", "keys": "https://id.example/k"},
    "traces": "http://collector.telemetry:4318",
    "catalog": {
        "database": DATABASE,
        "storage": {"existingClaim": "weights"},
        "hubToken": {"secretName": "hub"},
        "files": [{"name": "mirror", "claimName": "mirror", "mountPath": "/mirror"}],
        "settings": {"WORKERS": "2", "CACHE_BYTES": "500GB", "MIRRORS": "/mirror/torch:/mirror/hf"},
        "autoscaling": {"enabled": True, "callsInFlight": 200},
        "priorityClassName": "serving",
    },
    "trainer": {
        "replicas": 4,
        "gpu": {"count": 8, "products": ["NVIDIA-H200"], "runtimeClassName": "nvidia"},
        "api": {"replicas": 2, "nodeSelector": {"pool": "cpu"}},
        "updateStrategy": "OnDelete",
        "database": DATABASE,
        "shared": {"existingClaim": "snapshots"},
        "data": [
            {"name": "pets", "claimName": "pets", "mountPath": "/data/pets"},
            {"name": "streets", "claimName": "streets", "mountPath": "/data/streets"},
        ],
        "settings": {"DATA_URLS": "s3://images/streets", "EVENTS_KEPT": "100000"},
        "tolerations": [{"key": "team", "operator": "Equal", "value": "vision"}],
        "nodeSelector": {"pool": "gpu"},
    },
    "gateway": {
        "enabled": True,
        "console": True,
        "hosts": ["vertebra.example"],
        "origins": ["https://portal.example"],
        "listenSecret": "gateway-listen-tls",
        "clientCertificates": True,
        "spiffeId": "spiffe://cluster.local/ns/ml/sa/studio-vertebra-gateway",
    },
    "networkPolicy": {"clients": WEB, "monitoring": WEB, "egress": TO_THE_DATABASE},
    "monitoring": {"podMonitors": True, "alerts": True, "labels": {"release": "prometheus"}},
}
"""Everything at once: mutual TLS, several hosts, pods that only answer, data, PostgreSQL."""

ON_A_CPU: dict[str, Any] = {
    "plaintext": True,
    "trainer": {"device": "cpu", "gpu": {"count": 0}},
    "networkPolicy": {"enabled": False},
}
"""The smallest."""

WITH_TOKENS: dict[str, Any] = {
    "mesh": "gateway",
    "gatewayApi": {"parentRefs": [PARENT], "caConfigMap": "ca"},
    "tls": {"secrets": {"catalog": "catalog-tls", "trainer": "trainer-tls"}},
    "access": {"secretName": "access"},
    "trainer": {"catalogToken": {"secretName": "trainer-token"}},
}
"""TLS behind a site's gateway; the trainer shows a token."""

AT_THE_GATEWAY: dict[str, Any] = {
    "tls": {"secrets": SECRETS},
    "access": {"secretName": "access"},
    "jwt": PRODUCTION["jwt"],
    "trainer": {"catalogToken": {"secretName": "trainer-token"}},
    "gateway": {
        "enabled": True,
        "console": True,
        "listenSecret": "gateway-listen-tls",
        "checkTokens": True,
        "keysConfigMap": "issuer-keys",
        "accessLog": True,
    },
    "networkPolicy": {"clients": WEB, "egress": TO_THE_DATABASE},
}
"""TLS and tokens of an issuer, which our own gateway checks first."""

DIGEST = f"sha256:{'0123456789abcdef' * 4}"
CA_FILE = "/etc/studio-ca/ca.pem"
AUTHORITIES = {"name": "studio-ca", "configMapName": "studio-ca", "mountPath": "/etc/studio-ca"}

OF_A_PLATFORM: dict[str, Any] = AT_THE_GATEWAY | {
    "image": {"digests": {"catalog": DIGEST, "trainer": DIGEST, "gateway": DIGEST}},
    "ipv6": True,
    "clusterDomain": "cluster.studio",
    "catalog": {
        "files": [AUTHORITIES],
        "env": [{"name": "SSL_CERT_FILE", "value": CA_FILE}],
        "serviceAccountAnnotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/catalog"},
    },
    "trainer": AT_THE_GATEWAY["trainer"]
    | {
        "files": [
            AUTHORITIES,
            {"name": "keys", "secretName": "images-keys", "mountPath": "/etc/keys"},
            {"name": "lists", "claimName": "lists", "mountPath": "/lists"},
        ],
        "env": [
            {"name": "AWS_CA_BUNDLE", "value": CA_FILE},
            {"name": "AWS_SHARED_CREDENTIALS_FILE", "value": "/etc/keys/credentials"},
            {"name": "STUDIO_LISTS", "value": "/lists/pets.csv"},
            {
                "name": "AWS_SECRET_ACCESS_KEY",
                "valueFrom": {"secretKeyRef": {"name": "images-keys", "key": "token"}},
            },
        ],
        "settings": {"DATA_URLS": "s3://images/streets"},
    },
    "gateway": {"enabled": True, "checkTokens": True},
    "networkPolicy": {"clients": WEB, "monitoring": WEB, "egress": TO_THE_DATABASE},
}
"""IPv6, images by digest, authorities of the site's own, data behind keys, tokens by their URL."""

ALL_VALUES = {
    **MESHES,
    "at-the-gateway": AT_THE_GATEWAY,
    "platform": OF_A_PLATFORM,
    "production": PRODUCTION,
    "cpu": ON_A_CPU,
    "tokens": WITH_TOKENS,
    "istio-hosts": MESHES["istio"]
    | {
        "trainer": {
            "replicas": 2,
            "api": {"replicas": 1},
            "database": DATABASE,
            "shared": {"existingClaim": "snapshots"},
        },
        "networkPolicy": {"clients": WEB, "egress": TO_THE_DATABASE},
    },
}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "catalogs share no SQLite": (
        {"plaintext": True, "catalog": {"replicas": 2}},
        "several replicas cannot share SQLite",
    ),
    "catalogs that come and go share none either": (
        {"plaintext": True, "catalog": {"autoscaling": {"enabled": True}}},
        "several replicas cannot share SQLite",
    ),
    "catalogs share one storage": (
        {"plaintext": True, "catalog": {"replicas": 2, "database": DATABASE}},
        "set catalog.storage.accessMode to ReadWriteMany",
    ),
    "fewer at most than at least": (
        {
            "plaintext": True,
            "catalog": {
                "database": DATABASE,
                "storage": {"existingClaim": "weights"},
                "autoscaling": {"enabled": True, "minReplicas": 9},
            },
        },
        "minReplicas is more than maxReplicas",
    ),
    "trainers share no SQLite": (
        {"plaintext": True, "trainer": {"replicas": 2}},
        "trainer: several pods cannot share SQLite",
    ),
    "pods that only answer need the jobs' database": (
        {"plaintext": True, "trainer": {"api": {"replicas": 1}}},
        "trainer: several pods cannot share SQLite",
    ),
    "trainers share snapshots": (
        {"plaintext": True, "trainer": {"replicas": 2, "database": DATABASE}},
        "trainer.shared.existingClaim",
    ),
    "cuda without a GPU": (
        {"plaintext": True, "trainer": {"gpu": {"count": 0}}},
        "trainer.device is cuda and trainer.gpu.count is 0",
    ),
    "GPUs that nobody uses": (
        {"plaintext": True, "trainer": {"device": "cpu"}},
        "the GPUs would be held and never used",
    ),
    "data over the home": (
        {
            "plaintext": True,
            "trainer": {
                "data": [{"name": "pets", "claimName": "x", "mountPath": "/var/lib/vertebra/"}]
            },
        },
        "the name or the path is taken",
    ),
    "a mirror in the place of a secret": (
        {
            "plaintext": True,
            "catalog": {"files": [{"name": "tls", "claimName": "x", "mountPath": "/mirror"}]},
        },
        "catalog.files: tls at /mirror: the name or the path is taken",
    ),
    "two data sets at one path": (
        {
            "plaintext": True,
            "trainer": {
                "data": [
                    {"name": "pets", "claimName": "x", "mountPath": "/data"},
                    {"name": "cats", "claimName": "y", "mountPath": "/data"},
                ]
            },
        },
        "cats at /data: the name or the path is taken",
    ),
    "a console without a gateway": (
        {"plaintext": True, "gateway": {"console": True}},
        "gateway.console needs gateway.enabled",
    ),
    "TLS without a secret": ({"tls": {"mutual": True}, "plaintext": True}, "tls.mutual needs"),
    "TLS for one of two": (
        {"tls": {"secrets": {"catalog": "a"}}},
        "the catalog and the trainer both have one, or neither",
    ),
    "a gateway that cannot know the services": (
        {"tls": {"secrets": {"catalog": "a", "trainer": "b"}}, "gateway": {"enabled": True}},
        "tls.secrets.gateway is missing",
    ),
    "plain text, unsaid": ({}, "calls would cross the network in plain text"),
    "plain text and TLS": (
        {"plaintext": True, "tls": {"secrets": {"catalog": "a", "trainer": "b"}}},
        "plaintext is for services without tls.secrets",
    ),
    "TLS in a mesh that encrypts": (
        {"mesh": "istio", "tls": {"secrets": {"catalog": "a", "trainer": "b"}}},
        "mesh istio encrypts already",
    ),
    "an access file in a mesh": (
        {"mesh": "linkerd", "access": {"secretName": "access"}},
        "mesh linkerd decides who calls",
    ),
    "certificates that allow nothing": (
        {"tls": {"mutual": True, "secrets": {"catalog": "a", "trainer": "b"}}},
        "access.secretName has to say what they may do",
    ),
    "tokens of nobody": (
        {"plaintext": True, "gateway": {"enabled": True, "checkTokens": True}},
        "gateway.checkTokens needs gateway.enabled and jwt",
    ),
    "keys that nobody reads": (
        {"plaintext": True, "gateway": {"enabled": True, "keysConfigMap": "issuer-keys"}},
        "gateway.keysConfigMap needs gateway.checkTokens",
    ),
    "two things under one path": (
        {
            "plaintext": True,
            "trainer": {
                "data": [{"name": "pets", "claimName": "pets", "mountPath": "/pets"}],
                "files": [{"name": "keys", "secretName": "keys", "mountPath": "/pets/"}],
            },
        },
        "keys at /pets/: the name or the path is taken",
    ),
    "a file of two kinds": (
        {
            "plaintext": True,
            "catalog": {"files": [AUTHORITIES | {"secretName": "other"}]},
        },
        "oneOf",
    ),
    "half an issuer": (
        {"plaintext": True, "access": {"secretName": "a"}, "jwt": {"issuer": "https://id.example"}},
        "issuer, audience and keys come together",
    ),
    "a token in plain text": (
        {"plaintext": True, "trainer": {"catalogToken": {"secretName": "token"}}},
        "never sent in plain text",
    ),
    "a trainer that shows nothing": (
        {"tls": {"secrets": {"catalog": "a", "trainer": "b"}}, "access": {"secretName": "x"}},
        "the catalog refuses a trainer that shows nothing",
    ),
    "a gateway that speaks for nobody": (
        PRODUCTION | {"gateway": PRODUCTION["gateway"] | {"clientCertificates": False}},
        "gateway.spiffeId needs gateway.clientCertificates",
    ),
    "client certificates in plain text": (
        {"plaintext": True, "gateway": {"enabled": True, "clientCertificates": True}},
        "gateway.clientCertificates needs gateway.listenSecret",
    ),
    "a name without a certificate": (
        {"plaintext": True, "gateway": {"enabled": True, "spiffeId": "spiffe://a/b"}},
        "gateway.spiffeId needs gateway.enabled and tls.mutual",
    ),
    "no way to the database": (
        {"plaintext": True, "catalog": {"database": DATABASE}},
        "networkPolicy.egress names no way to the database",
    ),
    "no gateway to attach to": (
        {"mesh": "gateway", "plaintext": True},
        "name the site's gateway in gatewayApi.parentRefs",
    ),
    "a site's gateway that cannot know the services": (
        {
            "mesh": "gateway",
            "tls": {"secrets": {"catalog": "a", "trainer": "b"}},
            "gatewayApi": {"parentRefs": [PARENT]},
        },
        "gatewayApi.caConfigMap",
    ),
    "metrics that nobody may read": (
        {"plaintext": True, "monitoring": {"podMonitors": True}},
        "networkPolicy.monitoring lets nobody read /metrics",
    ),
    "a runtime of GPUs without one": (
        {
            "plaintext": True,
            "trainer": {"device": "cpu", "gpu": {"count": 0, "runtimeClassName": "nvidia"}},
        },
        "trainer.gpu.runtimeClassName is for trainer.device cuda",
    ),
    "a setting that there is not": (
        {"plaintext": True, "catalog": {"settings": {"WORKRES": "2"}}},
        "invalid propertyName 'WORKRES'",
    ),
    "a setting that the chart sets": (
        {"plaintext": True, "trainer": {"settings": {"HOME": "/elsewhere"}}},
        "invalid propertyName 'HOME'",
    ),
    "a number that Helm would write as 2e+10": (
        {"plaintext": True, "trainer": {"settings": {"FEATURE_CACHE_BYTES": 21474836480}}},
        "FEATURE_CACHE_BYTES",
    ),
    "a value that there is not": ({"plaintext": True, "trianer": {}}, "trianer"),
    "a mesh that there is not": ({"mesh": "consul"}, "/mesh"),
    "everybody with a certificate as a gateway": (
        {"plaintext": True, "gateway": {"spiffeId": "spiffe://studio/*"}},
        "/gateway/spiffeId",
    ),
    "somebody else beside the gateway": (
        {"plaintext": True, "gateway": {"spiffeId": "spiffe://a/b,spiffe://a/c"}},
        "/gateway/spiffeId",
    ),
    "half a replica": ({"plaintext": True, "catalog": {"replicas": 0}}, "/catalog/replicas"),
}
"""What contradicts itself, and words of the refusal."""
