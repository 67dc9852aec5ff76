"""The terminal: messages, progress, summaries, help, and interrupts."""
