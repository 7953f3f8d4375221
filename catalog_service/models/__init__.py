"""The model library: recipes, layouts, freeze plans (no torch); skeletons, states (torch).

An open room: the trainer imports it too. Nothing here knows a network, a cache or a wire message.
"""
