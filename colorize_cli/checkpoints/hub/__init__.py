"""Checkpoints on the Hugging Face Hub: downloaded, pinned, published."""
