"""What is around every page: navigation, colours, a page that is not there."""

import re
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.clients.console.conftest import ROOT, Site
from trainer_service.train_form import TRAIN_FORM

PAGES = ("Models", "Weights", "Training", "Jobs", "Checkpoints")
SOURCES = ROOT / "clients" / "console" / "src"
GROUNDS = ("ground", "panel", "raised")
TEXTS = ("text", "quiet", "accent", "good", "bad")
PAIRS = (
    ("text", "bad-soft"),
    ("warn", "warn-soft"),
    ("accent-text", "accent"),
    ("text", "accent-soft"),
    ("quiet", "accent-soft"),
    ("bad", "bad-soft"),
)
"""Texts, and what they stand on."""


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_a_link_away_and_says_nothing_on_the_console(
    page: Page, site: Site, name: str
) -> None:
    page.goto(site.url)
    page.get_by_role("navigation").get_by_role("link", name=name).click()

    expect(page).to_have_title(f"{name} \N{MIDDLE DOT} vertebra")
    expect(page.get_by_role("navigation").locator("[aria-current=page]")).to_have_text(name)
    expect(page.locator(".standing.answers")).to_have_count(2)


def test_a_page_never_goes_on_behind_its_end(page: Page, site: Site) -> None:
    """What only screen readers see must not lengthen the document beyond what scrolls."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site.url}/models?name=resnet18")
    expect(page.get_by_role("heading", name="Drawing")).to_be_visible()

    assert page.evaluate("document.scrollingElement.scrollHeight") == 844


def test_a_digest_is_copied_also_where_the_page_came_in_plain_text(
    context: BrowserContext, site: Site
) -> None:
    """Browsers hide their clipboard from such pages, unless they are of this machine."""
    far, page = "http://console.example", context.new_page()
    page.route(f"{far}/**", lambda route: answer_from(route, far, site.url))
    page.goto(f"{far}/checkpoints?name=first")
    digest = page.locator("button.digest").first
    expect(digest).to_be_visible()
    assert not page.evaluate("isSecureContext")

    digest.click()
    expect(digest.get_by_role("status")).to_have_text("copied")
    field = page.get_by_role("searchbox", name="Name")
    field.focus()
    page.keyboard.press("Control+V")

    shown = digest.get_attribute("title") or ""
    expect(field).to_have_value(shown.partition(": ")[0])
    page.unroute_all(behavior="ignoreErrors")


def answer_from(route: Route, far: str, near: str) -> None:
    """Answer a request to one host as another one does."""
    route.fulfill(response=route.fetch(url=route.request.url.replace(far, near)))


def test_an_address_that_is_none_leads_back(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/nowhere")

    expect(page.get_by_role("heading", name="Nothing is at /nowhere")).to_be_visible()
    page.get_by_role("link", name="The first page", exact=True).last.click()
    expect(page).to_have_title(re.compile("Training"))


def test_colours_are_the_systems_unless_somebody_chooses(browser: Browser, site: Site) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(site.url)
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.locator(".theme select").select_option("light")
    page.reload()

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
    context.close()


def test_where_a_token_is_wanted_the_page_asks_for_it_and_shows_it_to_nobody_else(
    page: Page, site: Site
) -> None:
    def guard(route: Route) -> None:
        if route.request.headers.get("authorization") == "Bearer secret":
            route.continue_()
            return
        refused = {"content-type": "application/grpc-web+proto", "grpc-status": "16"}
        route.fulfill(status=200, headers={**refused, "grpc-message": "show a token"})

    page.route("**/vertebra.**", guard)
    page.goto(f"{site.url}/jobs")
    expect(page.get_by_role("status").get_by_text("paste the token that you were")).to_be_visible()
    page.get_by_label("Token").fill("secret")
    page.get_by_role("button", name="Use it in this tab").click()

    expect(page.locator(".standing.answers")).to_have_count(2)
    expect(page.get_by_label("Token")).to_have_count(0)
    assert page.evaluate("Object.values(localStorage)").count("secret") == 0


def test_a_token_that_no_header_can_carry_is_not_kept(page: Page, site: Site) -> None:
    """Copied from a chat, it has a character that nobody sees; every later call would fail."""
    refused = {"content-type": "application/grpc-web+proto", "grpc-status": "16"}
    page.route("**/vertebra.**", lambda route: route.fulfill(status=200, headers=refused))
    page.goto(f"{site.url}/jobs")
    page.get_by_label("Token").fill("sec\u200bret")
    page.get_by_role("button", name="Use it in this tab").click()

    expect(page.get_by_text("copy it again")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('vertebra.token')") is None


def test_what_failed_while_nobody_looked_is_asked_again(page: Page, site: Site) -> None:
    """A break that ends before the next look at who answers is still over for every page."""
    page.route("**/*.CheckpointService/ListCheckpoints", lambda route: route.abort())
    page.goto(f"{site.url}/checkpoints")
    expect(page.locator(".notice.error")).to_be_visible()
    page.unroute("**/*.CheckpointService/ListCheckpoints")

    expect(page.locator(".notice.error")).to_have_count(0)
    expect(page.locator(".browse-rows tbody tr")).to_have_count(1)


def test_a_job_that_could_not_be_read_for_a_moment_is_read_again(page: Page, site: Site) -> None:
    page.route("**/*.TrainJobService/GetTrainJob", lambda route: route.abort())
    page.goto(f"{site.url}/jobs?name={uuid.uuid4()}")
    detail = page.locator(".job-detail .notice.error")
    expect(detail).to_be_visible()
    expect(detail).not_to_contain_text("no job")
    page.unroute("**/*.TrainJobService/GetTrainJob")

    expect(detail).to_contain_text("no job")


def tokens() -> dict[str, dict[str, str]]:
    """Return the colours of both themes by name."""
    text = (SOURCES / "styles" / "tokens.css").read_text()
    light, dark = text.split(':root[data-theme="dark"]')
    found = re.compile(r"--([\w-]+): (#[0-9a-f]{6});")
    return {"light": dict(found.findall(light)), "dark": dict(found.findall(dark))}


def luminance(colour: str) -> float:
    """Return how light a colour is. Source: WCAG 2.2, relative luminance."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return from 1 to 21 how well one colour is read on the other. Source: WCAG 2.2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ("light", "dark"))
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("ground", GROUNDS)
def test_text_can_be_read_on_every_ground(theme: str, text: str, ground: str) -> None:
    colours = tokens()[theme]

    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("theme", ("light", "dark"))
def test_notices_and_buttons_can_be_read(theme: str) -> None:
    colours = tokens()[theme]

    for text, ground in PAIRS:
        assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


def written() -> dict[Path, str]:
    """Return the sources of the form; a plan has words of its own."""
    folder = SOURCES / "pages" / "training"
    sources = [path for path in folder.iterdir() if path.name != "plan_view.tsx"]
    assert len(sources) > 10
    return {path: path.read_text() for path in sources}


def test_what_settings_are_called_is_the_trainers_to_say() -> None:
    labels = {field.label for section in TRAIN_FORM for field in section.fields}
    labels |= {section.label for section in TRAIN_FORM}
    helps = {choice.help for section in TRAIN_FORM for field in section.fields
             for choice in field.choices if choice.help}  # fmt: skip
    longer = {text for text in labels | helps if " " in text}

    found = [(path.name, text) for path, code in written().items() for text in longer
             if text in code]  # fmt: skip
    assert found == []
