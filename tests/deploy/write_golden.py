"""`python -m tests.deploy.write_golden`: renders the chart anew, for a person to look at."""

from pathlib import Path

from tests.fakes.chart_values import ALL_VALUES, MESHES
from tests.fakes.charts import charts


def main() -> None:
    """Write a file for each mesh, and the one with everything."""
    with charts() as chart:
        for name in (*MESHES, "production"):
            path = Path(__file__).parent / "golden" / f"{name}.yaml"
            path.write_text(chart.text(ALL_VALUES[name]))


if __name__ == "__main__":
    main()
