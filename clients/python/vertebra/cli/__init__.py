"""The command line: `vertebra up`, `vertebra models`, `vertebra train` and the like.

It speaks to the services through the clients alone. Commands are imported when they are called, so
that `vertebra --help` starts at once.
"""
