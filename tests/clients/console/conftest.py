"""The console in a real Chromium, through the real gateway, on real services."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.services import Service, running_catalog, start_service
from vertebra.catalog_client import CatalogClient
from vertebra.gateway import Gateway, running_gateway

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_MS = 120_000
"""How long something that must happen may take on a busy machine."""

HOSTILE = '<img src=x onerror="window.broken=1">'
"""A class, and the name of its folder."""

CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(kw_only=True)
class Site:
    """Services whose trainer can be killed and started again, and the gateway in front."""

    url: str
    images: Path
    catalog: Service
    trainer: Service
    home: Path
    backbone: str = "checkpoints/first"
    variables: dict[str, str] = field(default_factory=dict)

    def kill_trainer(self) -> None:
        """End its API as a power cut would; workers go on."""
        self.trainer.kill()

    def start_trainer(self) -> None:
        """Start it again where it was."""
        self.trainer = start_service("trainer_service", self.home, self.variables)


@pytest.fixture(scope="session")
def console_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console, built from the sources as they are."""
    if not (ROOT / "clients" / "node_modules" / ".installed").exists():
        pytest.skip("the clients' packages are not installed: `make console` does that")
    folder = tmp_path_factory.mktemp("console") / "files"
    subprocess.run([ROOT / "deploy" / "console.sh", folder], check=True)
    return folder


@pytest.fixture(scope="session")
def site(console_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Everything that `vertebra up --console` starts."""
    home = tmp_path_factory.mktemp("site")
    images = draw_images(home / "images")
    with running_catalog(home) as catalog:
        register_backbone(catalog)
        variables = {
            "VERTEBRA_TRAINER_CATALOG": catalog.address,
            "VERTEBRA_TRAINER_DATA_ROOTS": str(home),
        }
        trainer = start_service("trainer_service", home, variables)
        variables["VERTEBRA_TRAINER_LISTEN"] = trainer.address
        gateway = Gateway(
            catalog=catalog.address,
            trainer=trainer.address,
            listen="127.0.0.1:0",
            console_folder=console_folder,
        )
        with running_gateway(gateway, home / "gateway") as running:
            site = Site(
                url=running.url,
                images=images,
                catalog=catalog,
                trainer=trainer,
                home=home,
                variables=variables,
            )
            yield site
            site.trainer.stop()


def draw_images(folder: Path) -> Path:
    """Write dark images of a class with a hostile name, and light ones."""
    for name, grey in ((HOSTILE, 20), ("light", 220)):
        (folder / name).mkdir(parents=True)
        for number in range(8):
            Image.new("RGB", (16, 16), (grey + number,) * 3).save(folder / name / f"{number}.png")
    return folder


def register_backbone(catalog: Service) -> None:
    """Register a backbone of random numbers as `checkpoints/first`."""
    spec = {
        "backbone": "resnet18",
        "pretrained": False,
        "image_height_px": 32,
        "image_width_px": 32,
        "classification": {"class_names": ["a", "b"]},
    }
    with CatalogClient(catalog.address) as client:
        model = client.build_model(spec)
        client.register_checkpoint(
            checkpoint_id="first",
            architecture_id="resnet18",
            blob_name=model.parts[0].blob.name,
        )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a file.

    Not for longer: playwright's event loop counts as running in this thread until it is closed, so
    that no test of another file could call `asyncio.run`.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no chromium: deploy/test_tools.sh installs it where it may")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        options = list(CHROMIUM_OPTIONS)
        browser = playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that has been nowhere, on a laptop."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, site: Site) -> Iterator[Page]:
    """A page of the console; nothing may be said on its console that is an error."""
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda told: said.append(told.text) if told.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    expected = ("Failed to load resource", "net::ERR")  # a service that is away
    assert [text for text in said if not any(part in text for part in expected)] == []
