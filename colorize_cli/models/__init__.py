"""Networks: what they share, and a folder per paper; nothing here knows of files."""
