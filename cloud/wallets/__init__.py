"""Passes in the wallets of phones, in the formats Apple and Google publish, signed with what the operator supplies."""
