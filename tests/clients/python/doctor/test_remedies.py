"""Whatever is found wrong, there is a line to change for every proxy, and it fits a terminal."""

import pytest

from vertebra.doctor.finding import Fault
from vertebra.doctor.proxies import Proxy
from vertebra.doctor.remedies import REMEDIES, WHY

WIDTH = 80
INDENT = 4


@pytest.mark.parametrize("fault", list(Fault))
def test_every_fault_has_a_reason_and_a_line_for_every_proxy(fault: Fault) -> None:
    assert WHY[fault]
    assert set(REMEDIES[fault]) == set(Proxy)


@pytest.mark.parametrize("fault", list(Fault))
def test_no_line_is_wider_than_a_terminal(fault: Fault) -> None:
    lines = [remedy.line for remedy in REMEDIES[fault].values()]

    assert [line for line in lines if len(line) + INDENT > WIDTH] == []
    assert len(fault.value) + len(WHY[fault]) + 2 <= 2 * WIDTH
