"""Images and their labels: what a folder holds, whether it is sound, and batches of it."""
