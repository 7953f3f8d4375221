"""A job of very many events costs the page as much per event as a short one."""

import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

CLIENTS = Path(__file__).resolve().parents[3] / "clients"
MODULES = """
export { Curves } from "./src/pages/jobs/curves";
export { EventLog } from "./src/pages/jobs/event_log";
"""
BUNDLE = """
import { build } from "esbuild";
await build({
  stdin: { contents: process.argv[1], resolveDir: "." },
  outfile: process.argv[2], bundle: true, format: "iife", globalName: "story",
  conditions: ["source"], logLevel: "error",
});
"""
COUNTING = """
() => {
  window.touched = 0;
  for (const name of ["slice", "concat", "map", "filter", "flatMap", "forEach", Symbol.iterator]) {
    const before = Array.prototype[name];
    Array.prototype[name] = function (...given) {
      window.touched += this.length;
      return before.apply(this, given);
    };
  }
}
"""
"""Counts the elements that are copied or walked over."""

TELL = """
(count) => {
  const step = (at) =>
    ({ case: "stepMetrics", value: { step: at, epoch: 1, values: { loss: 1 } } });
  const epoch = (at) =>
    ({ case: "epochMetrics", value: { step: at, epoch: at, split: "train", values: { loss: 1 } } });
  const curves = new story.Curves();
  const log = new story.EventLog();
  const before = window.touched;
  for (let at = 1; at <= count; at += 1) {
    const event = { seq: BigInt(at), event: at % 10 ? step(at) : epoch(at) };
    curves.add(event);
    log.add(event);
  }
  const told = window.touched - before;
  curves.add({ event: { case: "rolledBack", value: { toStep: 5 } } });
  const [{ curves: [batch, train] }] = curves.groups("accuracy");
  return { told, lines: log.numLines, newest: log.newest(3).map(({ event }) => Number(event.seq)),
    kept: [batch, train].map((one) => one && [one[0], one[1].steps.length]) };
}
"""


@pytest.fixture
def story(context: BrowserContext, tmp_path: Path) -> Page:
    """A page with the modules that keep a job's story, and a count of what they touch."""
    bundle = tmp_path / "story.js"
    subprocess.run(
        ["node", "--input-type=module", "--eval", BUNDLE, MODULES, bundle],
        cwd=CLIENTS / "console",
        check=True,
    )
    page = context.new_page()
    page.goto("about:blank")
    page.add_script_tag(path=bundle)
    page.evaluate(COUNTING)
    return page


def test_an_event_costs_as_much_after_fifty_thousand_others(story: Page) -> None:
    short = story.evaluate(TELL, 500)
    long = story.evaluate(TELL, 50_000)

    assert long["told"] / 50_000 <= 1.5 * short["told"] / 500
    assert long["lines"] == 5_000
    assert long["newest"] == [50_000, 49_990, 49_980]
    assert long["kept"] == [["step", 5], None], "a rollback takes back what comes again"
