"""Figures are asked for before a scrape: seldom, one at a time, and never waited for for long."""

import asyncio
import threading

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from catalog_service.serving import figures as figures_module
from catalog_service.serving.figures import Figures
from tests.fakes.in_loop import in_loop


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Question:
    def __init__(self) -> None:
        self.num_asked = 0
        self.error: Exception | None = None
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self) -> None:
        self.num_asked += 1
        assert self.may_answer.wait(60)
        if self.error is not None:
            raise self.error


@in_loop
async def test_ten_scrapes_at_once_ask_once():
    question, figures = Question(), Figures(CollectorRegistry())
    figures.add("jobs", question, every_s=5)

    await asyncio.gather(*(figures.refresh() for _ in range(10)))

    assert question.num_asked == 1


@in_loop
async def test_a_question_is_asked_again_when_its_answer_is_old():
    question, clock = Question(), Clock()
    figures = Figures(CollectorRegistry(), clock=clock)
    figures.add("jobs", question, every_s=5)

    for now in (100.0, 104.0, 105.5):
        clock.now = now
        await figures.refresh()

    assert question.num_asked == 2


@in_loop
async def test_a_store_that_does_not_answer_holds_up_no_scrape_and_one_thread(monkeypatch):
    monkeypatch.setattr(figures_module, "WAIT_S", 0.05)
    question, clock = Question(), Clock()
    figures = Figures(CollectorRegistry(), clock=clock)
    figures.add("jobs", question, every_s=5)
    question.may_answer.clear()

    for _ in range(3):
        clock.now += 60
        await figures.refresh()

    assert question.num_asked == 1
    question.may_answer.set()
    await figures.refresh()


@in_loop
async def test_a_failed_question_is_counted_and_the_others_are_asked():
    registry = CollectorRegistry()
    figures, failing, answering = Figures(registry), Question(), Question()
    gauge = Gauge("seen", "Seen.", registry=registry)
    failing.error = RuntimeError("the database does not answer")
    figures.add("jobs", failing, every_s=5)
    figures.add("store", lambda: gauge.set(answering.num_asked or 7), every_s=5)

    await figures.refresh()

    page = generate_latest(registry).decode()
    assert 'vertebra_figures_failed_total{figures="jobs"} 1.0' in page
    assert 'vertebra_figures_failed_total{figures="store"} 0.0' in page
    assert "seen 7.0" in page
    assert 'vertebra_figures_timestamp_seconds{figures="store"}' in page
    assert 'vertebra_figures_timestamp_seconds{figures="jobs"}' not in page
