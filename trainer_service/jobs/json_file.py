"""Small JSON files in which two processes meet: readers see the old one or the whole new one."""

import json
import os
from pathlib import Path


def write_json_file(path: Path, data: object) -> None:
    """Write one JSON document so that readers see the old file or the whole new one."""
    staged = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    with staged.open("w", encoding="utf-8") as file:
        json.dump(data, file)
        file.flush()
        os.fsync(file.fileno())
    staged.replace(path)
