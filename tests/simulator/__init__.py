"""One deterministic simulator: virtual clock and network, devices that crash, one cloud, one seed."""
