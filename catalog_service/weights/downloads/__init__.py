"""One transfer at a time for one key, over threads and processes, that survives its process.

Whose turn it is is a file (`turns`), what has arrived is a part file with a journal (`part`), and
`downloads` brings them together. Not for: where bytes may be, and whether they are the right ones.
"""
