"""The local page for viewing, correcting and accepting results: server, decisions, strokes and the page itself."""
