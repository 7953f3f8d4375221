"""Fetching over HTTP from servers that are not trusted: mirrors, hubs and origins.

Says what a server has and reads it, within a policy of hosts, times and one token; every way in
which a server can disappoint is a failure with a sentence. Not for: where to look and what the
bytes should be (`locations/`, `verification.py`), keeping and resuming them (`downloads/`).
"""
