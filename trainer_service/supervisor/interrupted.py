"""How a step of a job's life ends early."""


class Interrupted(Exception):
    """The job left the state that a step was working in: it was cancelled or paused."""
