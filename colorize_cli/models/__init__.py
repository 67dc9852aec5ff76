"""Networks: shared parts, and a folder per paper; independent of files."""
