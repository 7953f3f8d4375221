"""Places where a weight's bytes may be, one file each. Looking has no side effect on the place."""
