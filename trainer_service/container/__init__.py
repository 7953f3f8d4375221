"""What runs as process 1 of a trainer's container, and nothing else.

The kernel ends a container with its process 1. Were that the trainer's API, its death would take
the running jobs along, which outlive it everywhere else. So process 1 is a small program that
starts the API again and reaps what is orphaned. Not for machines: there systemd does the same.

Only the standard library is imported here: what must never end has to be small.
"""
