"""What can be asked of a device: the same functions answer a command that owns the store and one that asks its owner."""
