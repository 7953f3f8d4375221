"""The training page: what is asked, what is shown of it, and what is sent."""

import json
import re

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.clients.console.conftest import Site
from vertebra.trainer.v1 import train_job_service_pb2 as pb

HOSTILE_LABEL = "<b>of the house</b>"


def choose_model(page: Page, site: Site) -> None:
    """Open the page and choose resnet18 from the registered backbone, for small images."""
    page.goto(f"{site.url}/training")
    page.get_by_label("Architecture").fill("resnet18")
    page.get_by_label("Weights", exact=True).fill(site.backbone)
    page.get_by_label("Image height").fill("32")
    page.get_by_label("Image width").fill("32")


def choose_images(page: Page, site: Site) -> None:
    """Choose the folder of images."""
    page.get_by_label("Image source").select_option(label="Folder of folders")
    page.get_by_label("Folder", exact=True).fill(str(site.images))


def count(page: Page, which: str) -> Locator:
    """Return the count that is shown; its title has all digits."""
    return page.locator(f"[data-count={which}]").locator("xpath=..")


TOGGLES = [
    (
        "Use pretrained weights",
        "Model initialized with ImageNet weights for faster convergence.",
        "Model initialized with random weights. Requires more training data.",
    ),
    (
        "Freeze backbone",
        "All layers will be fine-tuned.",
        "Only the final layers will be trained. Use for very small datasets.",
    ),
]


@pytest.mark.parametrize("label,at_first,then", TOGGLES)
def test_a_toggle_says_what_each_of_its_states_does(
    page: Page, site: Site, label: str, at_first: str, then: str
) -> None:
    page.goto(f"{site.url}/training")
    toggle = page.get_by_role("switch", name=label)
    field = page.locator(".field").filter(has=toggle)

    expect(toggle).to_have_attribute("title", at_first)
    expect(field.locator(".help")).to_contain_text(at_first)
    toggle.click()

    expect(toggle).to_have_attribute("title", then)
    expect(field.locator(".help")).to_contain_text(then)


def test_pretrained_is_on_and_freeze_is_off_and_only_there_while_pretrained_is_on(
    page: Page, site: Site
) -> None:
    page.goto(f"{site.url}/training")
    pretrained = page.get_by_role("switch", name="Use pretrained weights")
    freeze = page.get_by_role("switch", name="Freeze backbone")

    expect(pretrained).to_be_checked()
    expect(freeze).not_to_be_checked()
    pretrained.click()

    expect(freeze).to_have_count(0)
    expect(page.get_by_role("radio")).to_have_count(0)


def test_the_counts_follow_the_form_before_there_are_images(page: Page, site: Site) -> None:
    choose_model(page, site)
    page.get_by_label("Class names").fill("cat\ndog")

    expect(count(page, "frozen")).to_have_attribute("title", "0")
    page.get_by_role("switch", name="Freeze backbone").click()

    expect(count(page, "trainable")).to_have_attribute("title", "1,026")
    expect(count(page, "frozen")).to_have_attribute("title", "11,176,512")


def test_the_plan_is_shown_before_anything_runs(page: Page, site: Site) -> None:
    choose_model(page, site)
    choose_images(page, site)
    start = page.get_by_role("button", name="Start training")
    expect(page.get_by_text("Still to choose: epochs.")).to_be_visible()
    expect(start).to_be_disabled()

    page.get_by_label("Epochs", exact=True).fill("2")
    page.get_by_role("radio", name="Last stages").check()
    page.get_by_label("Stages that train").fill("1")

    expect(page.get_by_text("12 to train, 4 to validate")).to_be_visible()
    expect(page.get_by_text("last blocks(1)")).to_be_visible()
    expect(start).to_be_enabled()


def test_what_is_wrong_stands_beside_its_setting(page: Page, site: Site) -> None:
    choose_model(page, site)
    choose_images(page, site)
    page.get_by_label("Epochs", exact=True).fill("2")

    page.get_by_label("Batch size", exact=True).fill("many")
    batch = page.locator("[data-path=batchSize]")
    expect(batch.get_by_role("alert")).to_have_text("many is no whole number")
    to_mend = page.get_by_role("group", name="To mend")
    expect(to_mend.get_by_role("button", name="Batch size")).to_be_visible()
    page.get_by_label("Batch size", exact=True).fill("8")
    page.get_by_label("Image width").fill("")

    width = page.locator("[data-path='model.imageWidthPx'], [data-path='model.imageHeightPx']")
    expect(width.get_by_role("alert").first).to_contain_text("both")
    page.get_by_label("Image width").fill("32")
    page.get_by_label("Folder", exact=True).fill("/etc")
    folder = page.locator("[data-path='dataset.imageFolder.path']")
    expect(folder.get_by_role("alert")).to_contain_text("/etc")
    page.get_by_label("Folder", exact=True).fill(str(site.images))
    page.get_by_label("Architecture").fill("resnet51")
    model = page.locator("[data-path='model.backbone']")
    expect(model.get_by_role("alert")).to_contain_text("resnet50")
    expect(to_mend.get_by_role("button", name="Architecture")).to_be_visible()


def test_everything_that_is_wrong_is_listed_and_leads_to_its_setting(
    page: Page, site: Site
) -> None:
    """What cannot be read, what the spec shows, data and model: at once, before epochs are set."""
    choose_model(page, site)
    choose_images(page, site)
    page.get_by_label("Batch size", exact=True).fill("many")
    page.get_by_label("Folder", exact=True).fill("/etc")
    page.get_by_label("Architecture").fill("resnet51")
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
    page.locator("[data-path=microBatchSize] input").fill("9000")

    to_mend = page.get_by_role("group", name="To mend")
    for label in ("Batch size", "Folder", "Architecture", "Micro-batch size"):
        expect(to_mend.get_by_role("button", name=label, exact=True)).to_be_visible()
    expect(page.get_by_text("Still to choose: epochs.")).to_be_visible()
    expect(to_mend).to_contain_text("\u201cBatch size\u201d")
    expect(to_mend).to_contain_text("Models lists all")
    to_mend.get_by_role("button", name="Architecture").click()
    expect(page.get_by_label("Architecture")).to_be_focused()


def test_what_is_wrong_with_what_the_form_does_not_ask_for_is_said_too(
    page: Page, site: Site
) -> None:
    """As in the spec of a job that is trained again."""
    page.goto(f"{site.url}/training")
    draft = {
        "choices": {"model.backbone": "resnet18", "dataset": "bundledDigits", "numEpochs": "1"},
        "rest": {"model": {"inChannels": 7}},
    }
    page.evaluate("draft => sessionStorage.setItem('vertebra.draft', draft)", json.dumps(draft))
    page.reload()

    expect(
        page.get_by_text("inChannels: 7: the trainer reads images of 3 channels").first
    ).to_be_visible()
    expect(page.get_by_role("button", name="Start training")).to_be_disabled()


def choose_steps(page: Page) -> None:
    """Thaw a stage after two epochs, and everything after a plateau."""
    steps = page.get_by_role("group", name="Steps", exact=True)
    steps.get_by_role("button", name="Add a row").click()
    expect(page.get_by_role("alert")).to_have_text("Row 1: epochs is missing")
    steps.get_by_label("Epochs", exact=True).fill("2")
    steps.get_by_label("Stages that train").fill("1")
    steps.get_by_role("button", name="Add a row").click()
    second = steps.get_by_role("group", name="Row 2")
    second.get_by_label("When").select_option(label="After a plateau")
    second.get_by_label("Epochs without progress").fill("3")


def choose_changes(page: Page) -> None:
    """Rotate, and flip before that."""
    changes = page.get_by_role("group", name="Steps of your own")
    for label in ("Rotate", "Flip left and right"):
        changes.get_by_role("button", name="Add a row").click()
        changes.get_by_label("Change").last.select_option(label=label)
    changes.get_by_label("Farthest").fill("15")
    changes.get_by_role("button", name="Move up").click()


def test_tables_and_spans_of_time_are_sent_as_they_were_entered(page: Page, site: Site) -> None:
    choose_model(page, site)
    choose_images(page, site)
    page.get_by_label("Epochs", exact=True).first.fill("9")
    page.get_by_role("radio", name="Gradually more").check()
    choose_steps(page)
    choose_changes(page)
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
    for no_span in ("soon", "99999999999999999999 h"):
        page.get_by_label("Time limit").fill(no_span)
        alert = page.locator("[data-path='run.timeLimit']").get_by_role("alert")
        expect(alert).to_contain_text("1h30m")
    page.get_by_label("Time limit").fill("1h 30min")
    labels = page.get_by_role("group", name="Labels")
    add = labels.get_by_role("button", name="Add a row")
    add.press("Enter")
    expect(labels.get_by_label("Label", exact=True)).to_be_focused()
    page.keyboard.type("team")
    page.keyboard.press("Tab")
    page.keyboard.type(HOSTILE_LABEL)
    add.press("Enter")
    labels.get_by_role("button", name="Remove").last.press("Enter")
    expect(add).to_be_focused()

    expect(page.locator("[data-path=labels]").get_by_role("alert")).to_contain_text("63")
    labels.get_by_label("Value").fill("vision")
    start = page.get_by_role("button", name="Start training")
    expect(start).to_be_enabled()
    with page.expect_request("**/CreateTrainJob") as sent:
        start.click()
    expect(page).to_have_url(re.compile("/jobs"))

    request = pb.CreateTrainJobRequest.FromString(body_of(sent.value.post_data_buffer))
    spec = request.spec
    assert [(one.after_epochs, one.num_blocks) for one in spec.freeze.gradual.steps] == [
        (2, 1),
        (0, 0),
    ]
    assert spec.freeze.gradual.steps[1].after_plateau_epochs == 3
    kinds = [one.WhichOneof("step") for one in spec.augmentation_steps]
    assert kinds == ["horizontal_flip", "rotation"]
    assert spec.run.time_limit.seconds == 5400
    assert dict(spec.labels) == {"team": "vision"}


def body_of(sent: bytes) -> bytes:
    """Return the message of a gRPC-Web request."""
    return sent[5:]


def test_all_of_it_can_be_done_with_the_keyboard(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/training")
    architecture = page.get_by_label("Architecture")
    architecture.focus()
    expect(page.get_by_role("switch", name="Freeze backbone")).to_be_visible()
    page.keyboard.type("resnet 18")
    expect(page.get_by_role("listbox").get_by_role("option").first).to_be_visible()
    page.keyboard.press("Enter")

    expect(architecture).to_have_value("resnet18")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")

    expect(page.get_by_role("switch", name="Freeze backbone")).to_be_checked()
    expect(page.get_by_role("switch", name="Freeze backbone")).to_be_focused()


def test_the_experiment_file_that_is_copied_says_what_was_chosen_and_no_more(
    page: Page, site: Site, context: BrowserContext
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    choose_model(page, site)
    choose_images(page, site)
    page.get_by_label("Epochs", exact=True).fill("2")
    page.get_by_role("switch", name="Freeze backbone").click()

    page.get_by_role("button", name="Copy JSON").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()

    assert json.loads(page.evaluate("navigator.clipboard.readText()")) == {
        "model": {
            "backbone": "resnet18",
            "weights": "checkpoints/first",
            "freeze_backbone": True,
            "image_height_px": 32,
            "image_width_px": 32,
        },
        "dataset": {"image_folder": {"path": str(site.images)}},
        "num_epochs": 2,
    }


def test_a_draft_is_still_there_after_a_reload(page: Page, site: Site) -> None:
    choose_model(page, site)
    page.reload()

    expect(page.get_by_label("Architecture")).to_have_value("resnet18")
