"""What worker processes inherit."""

import time
from pathlib import Path

import psutil

from catalog_service.serving.child_environment import inherited
from tests.services import START_TIMEOUT_S, running_catalog


def test_secrets_of_a_service_are_not_inherited() -> None:
    theirs = {
        "VERTEBRA_CATALOG_DATABASE_URL": "postgresql://user:secret@host/db",
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=secret",
        "HF_TOKEN": "secret",
        "PGPASSWORD": "secret",
        "HUGGING_FACE_HUB_TOKEN": "secret",
        "GITHUB_TOKEN": "secret",
        "studio_login_password": "secret",
        "WANDB_API_KEY": "secret",
    }
    needed = {
        "PATH": "/bin",
        "HOME": "/home/me",
        "CUDA_VISIBLE_DEVICES": "1",
        "NCCL_SOCKET_IFNAME": "eth0",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HOME": "/hf",
        "AWS_SECRET_ACCESS_KEY": "of the images",
        "RAY_AUTH_TOKEN": "of the cluster",
    }

    assert inherited({**theirs, **needed}) == needed


def test_no_child_of_a_running_catalog_has_a_secret_of_its_own(tmp_path: Path) -> None:
    hidden = {
        "HF_TOKEN": "hidden-1",
        "OTEL_RESOURCE_ATTRIBUTES": "note=hidden-2",
        "STUDIO_PASSWORD": "hidden-3",
    }
    with running_catalog(tmp_path, **hidden) as catalog:
        service, found = psutil.Process(catalog.pid), {}
        deadline = time.monotonic() + START_TIMEOUT_S
        while not found and time.monotonic() < deadline:
            time.sleep(0.05)
            children = service.children(recursive=True)
            # before that it is still a copy of the service
            begun = [child for child in children if "catalog_service.worker" in child.cmdline()]
            found = {child.pid: child.environ() for child in begun}

        assert found
        assert "hidden" not in str(found)
        assert "hidden-1" in str(service.environ())  # and would be found
