"""Check-in: the board a scan shows, attendance as a fold of marks, the gates before a mark, and the roster."""
