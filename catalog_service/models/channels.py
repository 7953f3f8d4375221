"""Which published channels a channel of an adapted first layer stands for. Pure, no torch."""


def sources_of(in_channels: int, num_published: int) -> tuple[tuple[int, ...], ...]:
    """Return for each new channel the published ones whose kernels it gets under `repeat`.

    In turn: for 4 of 3 they are 0, 1, 2, 0; for 2 of 3 they are 0 and 2, 1. Every published one is
    used, so that equal channels give what equal published channels gave.
    """
    pairs = range(max(in_channels, num_published))
    return tuple(
        tuple(at % num_published for at in pairs if at % in_channels == channel)
        for channel in range(in_channels)
    )


def adapted_statistics(
    values: tuple[float, ...], in_channels: int, adaptation: str
) -> tuple[float, ...]:
    """Return a mean or std for each new channel.

    With `repeat` it is that of the published channels that it stands for, averaged; otherwise the
    average of all.
    """
    if in_channels == len(values):
        return values
    if adaptation != "repeat":
        return (sum(values) / len(values),) * in_channels
    return tuple(
        sum(values[source] for source in of) / len(of)
        for of in sources_of(in_channels, len(values))
    )
