"""Settings of requests: what cannot work is said at the start, without the passwords in it."""

import pytest

from catalog_service.serving.settings_reader import SettingsInvalid, read_settings
from catalog_service.settings import CatalogSettings

URL = "http://me:sesame@mirror.lan"


def refusal(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> str:
    monkeypatch.setenv(f"VERTEBRA_CATALOG_{name}", value)
    with pytest.raises(SettingsInvalid) as caught:
        read_settings(CatalogSettings)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROXY", "me:sesame@proxy.lan:3128"),
        ("HTTP_MIRRORS", f"{URL},me:sesame@other.lan"),
        ("HTTP", f'{{"mirrors": {{"proxi": "{URL}"}}}}'),
        ("HTTP", f'{{"mirrors": {{"proxy": "{URL}"}}'),
        ("HTTP", '{"origin": {"proxy": "me:sesame@proxy.lan:3128"}}'),
    ],
)
def test_a_bad_setting_is_named_and_its_password_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
):
    """Start-up errors end up in logs."""
    message = refusal(monkeypatch, name, value)

    assert f"VERTEBRA_CATALOG_{name}: " in message
    assert "sesame" not in message


def test_the_part_of_a_table_that_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch):
    """One variable holds the rules of all locations."""
    message = refusal(monkeypatch, "HTTP", '{"mirrors": {"stall_timeout_s": 0}}')

    assert "mirrors.stall_timeout_s: " in message


@pytest.mark.parametrize("value", ["https://mirror.lan", "mirror.lan/weights", "*", "a b"])
def test_a_list_of_hosts_takes_hosts(monkeypatch: pytest.MonkeyPatch, value: str):
    """A URL would match nothing, silently."""
    assert "`*.domain`" in refusal(monkeypatch, "ALLOWED_HOSTS", value)


def test_hosts_ports_and_domains_are_taken(monkeypatch: pytest.MonkeyPatch):
    """Also addresses in brackets."""
    hosts = ("mirror.lan", "127.0.0.1:8080", "*.hf.co", "[::1]:8080")
    monkeypatch.setenv("VERTEBRA_CATALOG_ALLOWED_HOSTS", ", ".join(hosts))

    assert read_settings(CatalogSettings).allowed_hosts == hosts


@pytest.mark.parametrize(
    ("text", "num_bytes"),
    [("0", 0), ("200GB", 200 * 10**9), ("1.5GiB", 3 << 29), ("70000", 70_000)],
)
def test_a_budget_is_written_as_people_write_sizes(
    monkeypatch: pytest.MonkeyPatch, text: str, num_bytes: int
):
    """Bytes, with a unit or without."""
    monkeypatch.setenv("VERTEBRA_CATALOG_CACHE_BYTES", text)

    assert read_settings(CatalogSettings).cache_bytes == num_bytes


@pytest.mark.parametrize("text", ["-1", "-5GB", "much", "5 parsec"])
def test_a_budget_that_is_no_size_is_refused(monkeypatch: pytest.MonkeyPatch, text: str):
    """A negative budget would evict everything."""
    assert "VERTEBRA_CATALOG_CACHE_BYTES: " in refusal(monkeypatch, "CACHE_BYTES", text)
