"""TrainJobService: messages to values and back, the checks of a spec, and streams of events."""
