"""The device's end of the protocol: drains the queue, pulls, rebases."""
