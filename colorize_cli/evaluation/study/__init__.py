"""The user study: its page, and the analysis of its answers."""
