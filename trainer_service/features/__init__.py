"""What the frozen part of a model puts out, computed once and kept; and the rest, run on it."""
