"""The addresses of this host under which others may reach it."""

from __future__ import annotations

from ..errors import SchedulerError


def addresses_of(host: str) -> list[str]:
    """Returns the addresses under which workers may find this host, the likeliest first.

    Raises:
        SchedulerError: ``host`` is neither a name, nor an address, nor an interface.
    """
    import ipaddress
    import socket

    own = interfaces()
    if not host:
        every = [address for addresses in own.values() for address in addresses]
        reachable = [address for address in every if not ipaddress.ip_address(address).is_loopback]
        # With no network at all the workers can only be on this host.
        return sorted(reachable, key=lambda a: ipaddress.ip_address(a).version) or every
    if host in own:
        if not own[host]:
            raise SchedulerError(f"the interface {host} has no address")
        return own[host]
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise SchedulerError(
            f"host {host!r} is no address, no name that resolves ({error}), and none of this "
            f"host's interfaces: {', '.join(own)}"
        ) from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def interfaces() -> dict[str, list[str]]:
    """Returns the addresses of each network interface of this host."""
    import socket

    import psutil

    return {
        name: [
            entry.address
            for entry in entries
            # An address of the link alone needs the peer's own interface name to be reached.
            if entry.family in (socket.AF_INET, socket.AF_INET6) and "%" not in entry.address
        ]
        for name, entries in psutil.net_if_addrs().items()
    }


def bindable(addresses: list[str]) -> list[str]:
    """Returns where to listen: at the wanted addresses if they are this host's own, else at all."""
    own = {address for entries in interfaces().values() for address in entries}
    return addresses if own.issuperset(addresses) else []


def bracketed(address: str) -> str:
    """Returns an address as it stands before a port."""
    return f"[{address}]" if ":" in address else address
