"""Every alert fires on the numbers that it is for and not on those next to them, as promtool judges
it; what it then says has no hole.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

RULES = Path(__file__).parents[2] / "deploy/observability/alerts.yaml"
CASES = yaml.safe_load((Path(__file__).parent / "alert_cases.yaml").read_text())

pytestmark = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool of the package prometheus is not installed"
)


def said_of(alert: str, series: dict[str, Any], at: str, folder: Path) -> str:
    """Return what promtool says where it expects the alert to be silent; empty where it is."""
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": str(text)} for name, text in series.items()],
        "alert_rule_test": [{"eval_time": at, "alertname": alert, "exp_alerts": []}],
    }
    path = folder / "case.yaml"
    path.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "tests": [case]}))
    done = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""


def test_there_is_a_case_for_every_alert():
    groups = yaml.safe_load(RULES.read_text())["groups"]

    assert sorted(CASES) == sorted(rule["alert"] for group in groups for rule in group["rules"])


@pytest.mark.parametrize("alert", CASES)
def test_an_alert_fires_on_its_numbers_and_says_which(alert, tmp_path):
    """And is silent on those next to them, so that the first half is no accident."""
    case = CASES[alert]

    said = said_of(alert, case["is"], case["at"], tmp_path)
    silent = said_of(alert, case["not"], case["at"], tmp_path)

    assert "got:[" in said.replace("\n", "").replace(" ", ""), said
    assert f'alertname="{alert}"' in said
    assert "<no value>" not in said
    assert silent == ""
