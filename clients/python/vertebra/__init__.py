"""vertebra's light client: generated stubs, thin clients for both services, the command line.

Nothing here needs torch except `vertebra.torch`.
"""
