"""What is learned: the loss of a batch and the metrics of a pass. One file a task."""
