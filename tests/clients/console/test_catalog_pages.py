"""Models, Weights and Checkpoints in a real Chromium; the catalog downloads, no trainer runs."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.clients.console.conftest import HOSTILE, PATIENCE_MS
from tests.fakes.faulty_origin import FaultyOrigin, Throttle
from tests.fakes.publishers import GATED, publishers
from tests.services import Service, running_catalog
from vertebra.catalog_client import CatalogClient
from vertebra.gateway import Gateway, running_gateway

ARCHITECTURE = "shufflenet_v2_x0_5"
PUBLISHED = ("squeezenet1_1", "shufflenet_v2_x0_5")
SLOW = Throttle(1e5)
"""The better part of a minute for a file, until somebody has seen it grow."""
FAST = Throttle(1e9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A catalog with a family of checkpoints, and where its pages are."""

    url: str
    catalog: str
    publisher: FaultyOrigin

    def shown(self, page: Page, path: str, name: str) -> Locator:
        """Go to a thing of a page; return what is shown of it."""
        page.goto(f"{self.url}/{path}?name={name}")
        thing = page.locator(".thing")
        expect(thing).to_be_visible()
        return thing


@pytest.fixture(scope="module")
def shelf(console_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """Start a catalog, publishers that it asks, and a gateway."""
    home = tmp_path_factory.mktemp("shelf")
    (home / "published").mkdir()
    with publishers(home / "published") as world:
        for architecture in PUBLISHED:
            world.publish(architecture)
        world.torchvision.throttle = SLOW
        with running_catalog(home / "catalog", **world.variables) as catalog:
            register_family(catalog)
            gateway = Gateway(
                catalog=catalog.address,
                trainer="127.0.0.1:1",
                listen="127.0.0.1:0",
                console_folder=console_folder,
            )
            with running_gateway(gateway, home / "gateway") as running:
                yield Shelf(url=running.url, catalog=catalog.address, publisher=world.torchvision)


def register_family(catalog: Service) -> None:
    """Register `cells`, its child `cells_types` with the same backbone, and a grandchild."""
    spec = {"backbone": ARCHITECTURE, "pretrained": False, "classification": {"num_classes": 2}}
    with CatalogClient(catalog.address) as client:
        blob = client.build_model(spec).parts[0].blob.name

        def register(name: str, **lineage: object) -> str:
            checkpoint = client.register_checkpoint(
                checkpoint_id=name, architecture_id=ARCHITECTURE, blob_name=blob, lineage=lineage
            )
            return checkpoint.backbone_digest

        results = [{"setting": "a tenth of the labels", "metrics": {"iou": 0.61}}]
        digest = register("cells", method="simclr", dataset=HOSTILE, results=results)
        register(
            "cells_types",
            parent="checkpoints/cells",
            parent_backbone_digest=digest,
            method="supervised",
        )
        register("cells_sizes", parent="checkpoints/cells_types")


@pytest.fixture
def page(browser: Browser, shelf: Shelf) -> Iterator[Page]:
    """A page of the console; nothing broke and nothing hostile ran when it closes."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("console", lambda told: broken.append(told.text) if "Policy" in told.text else None)
    yield page
    assert broken == []
    assert page.evaluate("window.broken") is None
    context.close()


def rows(page: Page) -> Locator:
    """Return the rows of the list."""
    return page.locator(".browse-list tbody tr")


def test_words_in_any_order_narrow_the_models_down(page: Page, shelf: Shelf) -> None:
    page.goto(f"{shelf.url}/models")
    page.get_by_role("searchbox", name="Name").fill("8d resnext")

    expect(rows(page).locator(".job-name")).to_have_text(["resnext101_32x8d"])
    expect(page.locator(".browse-total")).to_have_text("1 model")


def test_models_are_narrowed_down_by_task_and_family_and_ordered(page: Page, shelf: Shelf) -> None:
    page.goto(f"{shelf.url}/models")
    page.get_by_label("Task").select_option("classification")
    page.get_by_label("Family").select_option("resnet")
    page.get_by_label("Order").select_option("num_parameters")

    expect(rows(page).locator(".job-name")).to_have_text(
        ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]
    )


def test_a_quote_in_the_words_is_looked_for_like_any_letter(page: Page, shelf: Shelf) -> None:
    page.goto(f"{shelf.url}/models")
    page.get_by_role("searchbox", name="Name").fill('res"net')

    expect(page.get_by_text("No model is like that.")).to_be_visible()


def test_a_model_is_chosen_by_the_keyboard(page: Page, shelf: Shelf) -> None:
    page.goto(f"{shelf.url}/models")
    page.get_by_role("searchbox", name="Name").fill("squeezenet")
    expect(rows(page)).to_have_count(2)
    rows(page).first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("squeezenet1_1")
    assert page.url.endswith("/models?name=squeezenet1_1")
    stops = page.locator("tr[tabindex='0']")
    expect(stops).to_have_count(1)  # who goes on to the model passes no hundred rows
    expect(stops).to_contain_text("squeezenet1_1")


def test_a_freeze_mode_says_what_trains_and_is_drawn(page: Page, shelf: Shelf) -> None:
    thing = shelf.shown(page, "models", "resnet18")
    expect(thing.locator("[data-count=frozen]")).to_have_text("0")
    page.get_by_label("Freeze mode").select_option("frozen_backbone")

    expect(thing.locator("[data-count=trainable]")).to_have_text("513.0 k")
    expect(thing.locator("[data-count=frozen]")).to_have_text("11.2 M")
    drawing = thing.get_by_role("img", name="resnet18, from its image to its output")
    expect(drawing).to_have_attribute("src", re.compile("frozen_backbone"))
    assert drawing.evaluate("image => image.naturalWidth") > 100


def test_layers_are_shown_as_deep_as_asked(page: Page, shelf: Shelf) -> None:
    thing = shelf.shown(page, "models", "resnet18")
    layers = thing.locator(".layers tbody tr")
    expect(layers).to_have_count(10)
    page.get_by_label("Depth").select_option("2")

    expect(layers).to_have_count(18)


def test_a_model_that_cannot_be_built_names_the_one_to_train(page: Page, shelf: Shelf) -> None:
    thing = shelf.shown(page, "models", "quantized_resnet50")
    thing.get_by_role("link", name="Train resnet50 instead").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("resnet50")


def test_a_name_that_is_none_says_which_are_near(page: Page, shelf: Shelf) -> None:
    page.goto(f"{shelf.url}/models?name=resnet51")

    expect(page.get_by_role("alert")).to_contain_text("closest are resnet50")


def test_weights_are_brought_in_and_watched(page: Page, shelf: Shelf) -> None:
    thing = shelf.shown(page, "weights", "SqueezeNet1_1_Weights.IMAGENET1K_V1")
    expect(thing.get_by_text("would be fetched")).to_be_visible()
    thing.get_by_role("button", name="Bring them in").click()

    expect(thing.get_by_text(re.compile(r"B of 4\.\d MB"))).to_be_visible()
    shelf.publisher.throttle = FAST
    expect(thing.get_by_text("the published digits of its sha256")).to_be_visible()
    expect(thing.locator(".thing-title")).to_contain_text("in the store")
    chosen = page.locator(".browse-list tr[aria-selected=true]")
    expect(chosen).to_contain_text("in the store")


def test_the_trail_has_every_location_and_what_it_said(page: Page, shelf: Shelf) -> None:
    thing = shelf.shown(page, "weights", "ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1")
    steps = thing.locator(".trail tbody tr")

    expect(steps.locator("td:first-child")).to_contain_text(
        ["store", "torch-hub cache", "Hugging Face cache", "origin"]
    )
    expect(steps.last).to_contain_text("not asked")
    thing.get_by_role("button", name="Ask remote locations").click()
    expect(steps.last).to_contain_text("hit")


def test_gated_weights_say_where_access_is_granted(page: Page, shelf: Shelf) -> None:
    thing = shelf.shown(page, "weights", f"huggingface/{GATED}")
    thing.get_by_role("button", name="Bring them in").click()

    expect(thing.get_by_role("alert")).to_contain_text("gated")
    expect(thing.get_by_role("listitem").filter(has_text="Access is granted")).to_be_visible()


def test_the_lineage_of_a_checkpoint_goes_from_the_first_to_its_children(
    page: Page, shelf: Shelf
) -> None:
    thing = shelf.shown(page, "checkpoints", "cells_types")
    line = thing.locator(".lineage li")

    expect(line).to_contain_text(["cells", "cells_types", "cells_sizes"])
    expect(line.nth(1)).to_contain_text("the same backbone: nothing of it has moved")
    expect(line.nth(0)).to_contain_text(HOSTILE)
    line.nth(0).get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("cells")
    expect(thing.get_by_role("cell", name="0.6100")).to_be_visible()


def test_a_checkpoint_is_downloaded_whole(page: Page, shelf: Shelf, tmp_path: Path) -> None:
    thing = shelf.shown(page, "checkpoints", "cells_types")
    with page.expect_download() as download:
        thing.get_by_role("button", name="Download").click()
    download.value.save_as(tmp_path / "saved")

    expect(thing.get_by_text("sha256 verified")).to_be_visible()
    assert download.value.suggested_filename == "cells_types.safetensors"
    with CatalogClient(shelf.catalog) as client:
        wanted = client.get_checkpoint("cells_types").blob.digest
    sha256 = hashlib.sha256((tmp_path / "saved").read_bytes()).hexdigest()
    assert f"sha256:{sha256}" == wanted


def test_a_parent_is_deleted_only_when_that_is_said_twice(page: Page, shelf: Shelf) -> None:
    with CatalogClient(shelf.catalog) as client:
        blob = client.get_checkpoint("cells").blob.name
        for name, parent in (("old", ""), ("new", "checkpoints/old")):
            client.register_checkpoint(
                checkpoint_id=name,
                architecture_id=ARCHITECTURE,
                blob_name=blob,
                lineage={"parent": parent},
            )
    thing = shelf.shown(page, "checkpoints", "old")
    page.on("dialog", lambda dialog: dialog.accept())
    thing.get_by_role("button", name="Delete", exact=True).click()
    expect(thing.get_by_role("alert")).to_contain_text("is the parent of checkpoints/new")
    thing.get_by_role("button", name="Delete it all the same").click()

    expect(rows(page).locator(".job-name").filter(has_text=re.compile("^old$"))).to_have_count(0)
    shelf.shown(page, "checkpoints", "new")
    expect(thing.locator(".lineage")).to_contain_text("checkpoints/oldnot listed any more")


def test_what_is_chosen_leads_to_training(page: Page, shelf: Shelf) -> None:
    leads = {
        ("models", "resnet18", "Train it"): "backbone=resnet18",
        ("weights", "ResNet18_Weights.IMAGENET1K_V1", "Train with them"): (
            "backbone=resnet18&weights=torchvision/ResNet18_Weights.IMAGENET1K_V1"
        ),
        ("checkpoints", "cells", "Train from it"): (
            f"backbone={ARCHITECTURE}&weights=checkpoints/cells"
        ),
    }
    for (path, name, label), query in leads.items():
        link = shelf.shown(page, path, name).get_by_role("link", name=label)
        expect(link).to_have_attribute("href", f"/training?{query}")
