"""Sample predictions of a real segmentation: masks beside the truth, colours explained."""

from playwright.sync_api import Page, expect

from tests.clients.console.conftest import Site
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer_client import TrainerClient

SPEC = {
    "model": {
        "backbone": "resnet18",
        "weights": "checkpoints/first",
        "image_height_px": 32,
        "image_width_px": 32,
        "segmentation": {"head": "fcn"},
    },
    "freeze": {"full": {}},
    "dataset": {"drawn_scenes": {"num_images": 40, "side_px": 32}},
    "num_epochs": 1,
    "batch_size": 8,
}


def test_masks_of_the_truth_and_of_the_model_stand_side_by_side(page: Page, site: Site) -> None:
    with TrainerClient(site.trainer.address) as trainer:
        job = trainer.create(SPEC)
        trainer.wait(job.name)
        (export,) = trainer.list_exports(job.name)
    told = [f.sample for f in export.files if f.kind == jobs.ExportFile.KIND_SAMPLE_PNG]

    page.goto(f"{site.url}/jobs?name={job.name}&tab=samples")

    shown = page.locator(".sample")
    expect(shown).to_have_count(len(told))
    for number, sample in enumerate(told):
        view = shown.nth(number)
        picture = view.locator("img")
        expect(picture).to_have_js_property("naturalWidth", sample.width_px)
        expect(picture).to_have_attribute(
            "alt", f"{sample.image}: {sample.truth}; the model: {sample.prediction}"
        )
        expect(view.locator(".panels span")).to_have_text(["image", "truth", "prediction"])
        names = [each.class_name for each in sample.legend]
        expect(view.locator(".legend li")).to_have_text(names)
