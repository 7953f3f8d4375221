"""The catalog's gRPC services: one servicer and one wire file (message <-> value) each."""
