"""Devices of one place tell each other what the cloud does not know yet, over their own network."""
