"""Images that cannot be used, and how many of them a job may leave out."""

import threading
from collections.abc import Sequence

from catalog_service.errors import listed
from trainer_service.errors import DataInvalid
from trainer_service.jobs.evaluation import UnusableImage

CHANGED = "changed after it was checked"


def max_unusable(num_images: int, ratio: float) -> int:
    """Return how many images may be left out."""
    return int(num_images * ratio + 1e-9)


def too_many_unusable(unusable: Sequence[UnusableImage], num_images: int) -> DataInvalid:
    """Return the failure of data with more unusable images than it may have."""
    named = listed([f"{image.path!r} ({image.reason})" for image in unusable])
    return DataInvalid(
        f"{len(unusable)} of {num_images} images cannot be used: {named}. Replace them, or let"
        " max_unusable_ratio leave them out",
        metadata={"num_faults": str(len(unusable))},
    )


class Quarantine:
    """What is left out of one data set. Threads that decode may add to it."""

    def __init__(self, num_images: int, ratio: float, known: Sequence[UnusableImage] = ()) -> None:
        self._num_images = num_images
        self._limit = max_unusable(num_images, ratio)
        self._unusable = list(known)
        self._num_told = len(known)
        self._of_others: set[str] = set()
        """Paths of what other ranks left out."""
        self._lock = threading.Lock()

    def add(self, path: str, reason: str) -> None:
        """Leave out one more.

        Raises:
            DataInvalid: it is one too many.
        """
        with self._lock:
            if path not in self._of_others:
                self._leave_out(UnusableImage(path=path, reason=reason))

    def add_of_others(self, unusable: Sequence[UnusableImage]) -> None:
        """Count what other ranks left out: they read the same images, each at its own time.

        Raises:
            DataInvalid: with those it is one too many.
        """
        with self._lock:
            known = {each.path for each in self._unusable}
            for image in unusable:
                self._of_others.add(image.path)
                if image.path not in known:
                    known.add(image.path)
                    self._leave_out(image)

    def _leave_out(self, image: UnusableImage) -> None:
        self._unusable.append(image)
        if len(self._unusable) <= self._limit:
            return
        if self._limit == 0:
            raise DataInvalid(
                f"{image.path!r} {CHANGED}: {image.reason}; start again and leave the data alone"
                " while the job runs"
            )
        raise too_many_unusable(self._unusable, self._num_images)

    def take_news(self) -> tuple[UnusableImage, ...]:
        """Return what was added since the last call."""
        with self._lock:
            news = tuple(self._unusable[self._num_told :])
            self._num_told = len(self._unusable)
            return news
