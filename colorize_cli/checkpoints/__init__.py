"""The checkpoint format, where checkpoints are found, and how they are verified."""
