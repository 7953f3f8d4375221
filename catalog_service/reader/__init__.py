"""Reads tensor files that others wrote: zip and legacy `.pth`/`.ckpt`/`.bin`, and safetensors.

Torch-free and tensor-only. A pickle is interpreted as data, opcode by opcode; nothing that it names
is ever imported or called. The work happens in a child process with limits (`child.py`); the parent
side is `read_file.py`. What the tensors mean is none of this room's business.
"""
