"""The cloud: the authority that devices, families and partners meet in."""
