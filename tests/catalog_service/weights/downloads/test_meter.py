"""A clock of our own: rates and times are exact."""

from catalog_service.weights.downloads.meter import Meter


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def readings(total=1000, done=0, times=(0.25, 0.5, 0.75, 1.0), step=100):
    clock = Clock()
    meter = Meter(done, total, clock=clock)
    found = []
    for time_s in times:
        clock.now_s = 100.0 + time_s
        done += step
        found.append(meter.moved(done))
    return found


def test_rate_and_rest_are_of_what_arrived_now():
    last = readings(done=500)[-1]

    assert (last.bytes_done, last.bytes_per_s, last.remaining_s) == (900, 400.0, 0.25)


def test_it_tells_at_most_five_times_a_second():
    times = [number / 100 for number in range(1, 201)]
    told = [one for one in readings(total=10**9, times=times) if one]

    assert 8 <= len(told) <= 10


def test_the_last_byte_is_always_told():
    assert readings(total=200, times=(0.01, 0.02))[-1].bytes_done == 200


def test_the_rate_forgets_what_is_long_ago():
    slow_then_fast = readings(total=10**6, times=(10.0, 20.0, 30.0, 30.5), step=1000)

    assert slow_then_fast[2].bytes_per_s == 100.0
    assert slow_then_fast[3].bytes_per_s > 150.0


def test_without_a_total_nobody_knows_the_rest():
    assert readings(total=0)[-1].remaining_s is None
