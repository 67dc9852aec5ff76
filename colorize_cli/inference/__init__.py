"""The library API and the batch engine."""
