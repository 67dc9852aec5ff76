"""The entries of the registry, one module for each paper or group of models: plain data, no torch."""
