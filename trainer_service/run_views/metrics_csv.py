"""Every metric of every epoch as a table: one line an epoch, one column a metric."""

import csv
from pathlib import Path

from trainer_service.run_views.history import History

SPLITS = ("train", "validation")


def write_metrics_csv(path: Path, history: History) -> None:
    """Write the table; a metric that an epoch does not have is an empty cell.

    Raises:
        OSError: the disk is full or gone.
    """
    rows = history.rows()
    names = {name: None for row in rows for name in row if "/" in name}
    ordered = sorted(names, key=lambda name: SPLITS.index(name.partition("/")[0]))
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, ["epoch", "step", *ordered], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
