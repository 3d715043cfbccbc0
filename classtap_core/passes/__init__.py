"""The pass (the QR a family carries): its text, its signature, the keys a device trusts, and the verdict."""
