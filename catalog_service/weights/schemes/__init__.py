"""What the tensors of our architectures are called elsewhere: a table for each code base.

A file that has all names of a table in the right shapes computes what our model computes, which
tests show on numbers; where it would not, the table says why (`differs`) and the file is refused.
"""
