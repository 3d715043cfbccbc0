"""How messages leave the cloud: letters, the ports they go through, and what comes back."""
