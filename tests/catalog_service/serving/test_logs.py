"""Every line can be found by its request id, by people and by programs."""

import json
import logging

import pytest

from catalog_service.serving.logs import configure_logging, request_id, trace_id


@pytest.fixture(autouse=True)
def restored_logging():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_json_line_has_time_level_logger_ids_and_extra_fields(capsys):
    configure_logging("info", json=True)
    token, trace = request_id.set("id-9"), trace_id.set("4bf92f35")
    logging.getLogger("a.b").info("served %s", "x", extra={"code": "OK"})
    request_id.reset(token)
    trace_id.reset(trace)

    (line,) = lines(capsys)
    fields = json.loads(line)
    assert fields.pop("time")
    assert fields == {
        "level": "INFO",
        "logger": "a.b",
        "request_id": "id-9",
        "trace_id": "4bf92f35",
        "message": "served x",
        "code": "OK",
    }


def test_a_json_line_with_an_exception_is_still_one_line(capsys):
    configure_logging("INFO", json=True)
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("a").exception("failed\nbadly")

    (line,) = lines(capsys)
    assert "two\nlines" in json.loads(line)["exc_info"]


def test_a_text_line_is_for_people(capsys):
    configure_logging("info", json=False)
    logging.getLogger("a").warning("hello")
    logging.getLogger("a").debug("not this")

    (line,) = lines(capsys)
    assert line.endswith("WARNING a [-] hello")


def test_configuring_again_replaces(capsys):
    configure_logging("info", json=True)
    configure_logging("info", json=False)
    logging.getLogger("a").info("once")

    assert len(lines(capsys)) == 1
