"""Bytes by their digest, and the safetensors files among them. No torch, no gRPC, no network."""
