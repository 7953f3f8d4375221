"""The main job, end to end, on images that need no download: see `vertebra demo --help`.

Not part of the light client: it needs the extra `demo` (Pillow, scikit-learn, matplotlib).
"""
