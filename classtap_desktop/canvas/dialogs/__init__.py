"""What opens over the editor: one question or one task each."""
