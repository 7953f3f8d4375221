"""What worker processes inherit."""

from catalog_service.serving.child_environment import inherited


def test_secrets_of_a_service_are_not_inherited() -> None:
    theirs = {
        "VERTEBRA_CATALOG_DATABASE_URL": "postgresql://user:secret@host/db",
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=secret",
        "HF_TOKEN": "secret",
        "PGPASSWORD": "secret",
    }
    needed = {"PATH": "/bin", "HOME": "/home/me", "CUDA_VISIBLE_DEVICES": "1", "HF_HOME": "/hf"}

    assert inherited({**theirs, **needed}) == needed
