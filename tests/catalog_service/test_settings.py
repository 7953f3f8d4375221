"""Settings of requests: what cannot work is said at the start, without the passwords in it."""

from pathlib import Path

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


@pytest.mark.parametrize("value", ["ftp://mirror.lan/x", "https://", "https://me:sesame@/x"])
@pytest.mark.parametrize("name", ["VERTEBRA_CATALOG_HTTP_MIRRORS", "HF_ENDPOINT"])
def test_a_server_is_an_http_url_with_a_host(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
):
    """It would be asked in vain; a hub that is none would look as if it published nothing."""
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsInvalid, match=f"{name}: 1 of 1 are no http or https") as caught:
        read_settings(CatalogSettings)

    assert "sesame" not in str(caught.value)


def test_an_empty_endpoint_is_the_hub_itself(monkeypatch: pytest.MonkeyPatch):
    """So do people unset variables in files of settings."""
    monkeypatch.setenv("HF_ENDPOINT", "")

    assert read_settings(CatalogSettings).hf_endpoint == "https://huggingface.co"


def test_certificates_that_cannot_be_used_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """At the start, not with the first download."""
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")

    assert "No such file" in refusal(monkeypatch, "CA_BUNDLE", str(tmp_path / "none.pem"))
    assert "no certificates in PEM" in refusal(monkeypatch, "CA_BUNDLE", str(empty))


def test_the_certificates_of_one_location_are_looked_at_too(monkeypatch: pytest.MonkeyPatch):
    """One variable holds the rules of all locations."""
    message = refusal(monkeypatch, "HTTP", '{"origin": {"ca_bundle": "/none.pem"}}')

    assert "origin.ca_bundle: it cannot be read: No such file" in message


def test_a_token_that_no_header_may_hold_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
):
    """Every request would fail as if the hub did not answer."""
    monkeypatch.setenv("HF_TOKEN", "hf_sesame\nX-Other: 1")

    with pytest.raises(SettingsInvalid, match="HF_TOKEN: no token: it has blanks") as caught:
        read_settings(CatalogSettings)

    assert "sesame" not in str(caught.value)


def test_blanks_around_a_token_are_not_part_of_it(monkeypatch: pytest.MonkeyPatch):
    """A secret that was mounted from a file ends with a line end."""
    monkeypatch.setenv("HF_TOKEN", "hf_sesame\n")

    assert read_settings(CatalogSettings).hf_token.get_secret_value() == "hf_sesame"


@pytest.mark.parametrize("value", ["{bad", "[]"])
def test_a_table_that_is_no_json_object_says_so(monkeypatch: pytest.MonkeyPatch, value: str):
    """And not which classes this program has."""
    assert "HTTP: no JSON object" in refusal(monkeypatch, "HTTP", value)


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
