"""The pre-baked list of architectures and weights: data, names, recipes. No torch, no network."""
