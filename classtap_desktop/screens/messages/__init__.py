"""Messages at the desk: written to a session's families, seen before they go, and followed until they are there."""
