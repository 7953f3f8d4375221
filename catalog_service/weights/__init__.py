"""From a weight's name to proven bytes under canonical names: references, locations and the trail.

A location says where a file of that name is; this room proves it, converts it once, and remembers.
Not for: building models from the bytes, and registered checkpoints (`checkpoints/`).
"""
