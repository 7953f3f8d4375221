"""The catalog: knows every architecture and weight, proves bytes, builds models, streams states."""
