"""What the user sees and presses: messages, progress, summaries, help, interrupts."""
