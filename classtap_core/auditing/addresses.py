"""Where somebody spoke from, masked so that no whole address is ever kept."""

from ipaddress import IPv4Address, ip_address, ip_network

V4_BITS, V6_BITS = 24, 48
"""What stays of an address: the least that is masked anywhere (catalogue 38)."""


def masked_address(host: str) -> str:
    """The network an address lies in, as its first address; "" for what is none.

    >>> masked_address("203.0.113.77")
    '203.0.113.0'
    >>> masked_address("2001:db8:1:2::5")
    '2001:db8:1::'
    >>> masked_address("testclient")
    ''
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped if mapped is not None else address
    bits = V4_BITS if isinstance(address, IPv4Address) else V6_BITS
    return str(ip_network(f"{address}/{bits}", strict=False).network_address)
