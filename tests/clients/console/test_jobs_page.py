"""The jobs page: a job followed to its end, a restart survived, what others named shown as text."""

import hashlib
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.clients.console.conftest import HOSTILE, Site
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer_client import TrainerClient

KINDS = jobs.ExportFile.Kind


def start(page: Page, site: Site, *, epochs: int, name: str) -> str:
    """Start a job from the form, frozen, on the images; return its id."""
    page.goto(f"{site.url}/training")
    page.get_by_label("Architecture").fill("resnet18")
    page.get_by_label("Weights", exact=True).fill(site.backbone)
    page.get_by_label("Image height").fill("32")
    page.get_by_label("Image width").fill("32")
    page.get_by_label("Image source").select_option(label="Folder of folders")
    page.get_by_label("Folder", exact=True).fill(str(site.images))
    page.get_by_label("Epochs", exact=True).fill(str(epochs))
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("switch", name="Freeze backbone").click()
    page.get_by_role("button", name="Start training").click()
    job = page.locator("article.job")
    expect(job).to_be_visible()
    job_id = job.get_attribute("data-job")
    assert job_id is not None
    return job_id


def in_state(page: Page, state: str) -> None:
    """Wait until the job that is shown is in a state."""
    expect(page.locator(f"article.job[data-state={state}]")).to_be_visible()


def test_a_job_is_started_followed_to_its_end_and_its_backbone_saved(
    page: Page, site: Site, tmp_path: Path
) -> None:
    job_id = start(page, site, epochs=1, name=HOSTILE)
    in_state(page, "SUCCEEDED")
    with TrainerClient(site.trainer.address) as trainer:
        job = trainer.get(job_id)
        (export,) = trainer.list_exports(job_id)

    accuracy = page.locator("[data-metric=accuracy] [data-split=validation] b")
    expect(accuracy).to_have_text(f"{job.metrics['validation/accuracy']:.4f}")
    expect(page.locator("canvas").first).to_be_visible()
    expect(page.locator(".confusion th").get_by_text(HOSTILE).first).to_be_visible()
    expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
    listed, table = page.locator(".job-list"), page.locator(".job-list table")
    assert table.evaluate("it => it.clientWidth") == listed.evaluate("it => it.clientWidth")
    cut = "all => all.filter(it => it.scrollWidth > it.clientWidth).length"
    assert page.locator(".classes .scroll-x").evaluate_all(cut) == 0
    assert page.evaluate("window.broken") is None
    assert job.model.backbone_digest == export.backbone_digest

    page.get_by_role("tab", name="Samples").click()
    shown = page.locator(".sample").first
    sample = next(one.sample for one in export.files if one.kind == KINDS.KIND_SAMPLE_PNG)
    expect(shown.locator("img")).to_have_js_property("naturalWidth", sample.width_px)
    expect(shown).to_contain_text(sample.prediction)
    expect(shown).to_contain_text("right" if sample.is_right else "wrong")
    assert page.evaluate("window.broken") is None

    page.get_by_role("tab", name="Files").click()
    row = page.locator("[data-file=BACKBONE_SAFETENSORS]")
    with page.expect_download() as saved:
        row.get_by_role("button", name="Download").click()
    saved.value.save_as(tmp_path / "backbone")
    expect(row.get_by_text("sha256 verified")).to_be_visible()
    (wanted,) = (one for one in export.files if one.kind == KINDS.KIND_BACKBONE_SAFETENSORS)
    digest = hashlib.sha256((tmp_path / "backbone").read_bytes()).hexdigest()
    assert wanted.blob.digest == f"sha256:{digest}"
    assert HOSTILE not in saved.value.suggested_filename


def test_a_trainer_that_is_killed_is_missed_and_its_job_goes_on(page: Page, site: Site) -> None:
    start(page, site, epochs=100_000, name="a long one")
    in_state(page, "RUNNING")
    loss = page.locator("[data-metric=loss] [data-split=train] b")
    expect(loss).to_be_visible()

    site.kill_trainer()
    away = page.get_by_text("trainer does not answer; trying again.")
    expect(away).to_be_visible()
    before = page.locator("[data-part=progress]").inner_text()
    site.start_trainer()

    expect(away).to_have_count(0)
    expect(page.locator("[data-part=progress]")).not_to_have_text(before)
    in_state(page, "RUNNING")
    page.get_by_role("button", name="Pause").click()
    in_state(page, "PAUSED")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("article.job:not([data-state=PAUSED])")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    in_state(page, "CANCELLED")


def test_a_job_is_trained_again_as_it_was_and_deleted(page: Page, site: Site) -> None:
    with TrainerClient(site.trainer.address) as trainer:
        spec = {
            "display_name": "to go",
            "model": {
                "backbone": "resnet18",
                "pretrained": False,
                "allow_frozen_random": True,
            },
            "dataset": {"bundled_digits": {}},
            "num_epochs": 7,
            "labels": {"team": "vision"},
            "freeze": {"gradual": {}},
        }
        job = trainer.create(spec)
        trainer.cancel(job.name)
    page.goto(f"{site.url}/jobs?name={job.job_id}")
    in_state(page, "CANCELLED")

    page.get_by_role("link", name="Train again").click()
    expect(page.get_by_label("Epochs", exact=True)).to_have_value("7")
    expect(page.get_by_role("switch", name="Use pretrained weights")).not_to_be_checked()
    expect(page.get_by_text("Also as in that job: model.allowFrozenRandom")).to_be_visible()
    labels = page.get_by_role("group", name="Labels")
    expect(labels.get_by_label("Value")).to_have_value("vision")

    page.go_back()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("to go")).to_have_count(0)


def test_a_job_that_is_not_there_is_said_so(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/jobs?name=nothing")

    expect(page.get_by_role("alert")).to_contain_text("nothing")
