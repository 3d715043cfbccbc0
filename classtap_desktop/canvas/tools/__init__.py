"""What the pointer does on the board: one object a tool."""
