"""The local page to look at results, correct and accept them: server, decisions, strokes and the page itself."""
