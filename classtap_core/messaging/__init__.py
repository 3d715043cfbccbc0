"""One outbox and one router for every message of the product: who is reached, on which way, and why not."""
