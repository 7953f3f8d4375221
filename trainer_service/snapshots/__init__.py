"""Snapshots: everything that training goes on from, on disk; whole and verified, or not there.

Not for: when one is taken (the worker's saver), which ones are kept (the supervisor), and what of a
training belongs into one (`train`).
"""
