"""Views of a run for people: TensorBoard events, a table, learning curves. Fed by events alone."""
