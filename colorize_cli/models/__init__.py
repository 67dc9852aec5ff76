"""One network architecture per file, shared blocks in ``blocks``; nothing here knows of files."""
