"""What this machine allows: descriptors, ports, backlog, memory; and how many connections that makes."""
import resource

from runner import units
from runner.cells import Limit

PERCENT_USED = 95   # of the descriptors that a process may have
BYTES_PER_CONNECTION = 16 * 1024   # both ends of an idle TCP connection in the kernel, with room to spare


def read(path, default=None):
    """The text of a file in /proc or /sys without its newline, or DEFAULT if it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return default


def number(path):
    """The first number in the file, or None."""
    words = (read(path) or "").split()
    return int(words[0]) if words and words[0].lstrip("-").isdigit() else None


def memory():
    """/proc/meminfo as {name: bytes}."""
    lines = (line.split() for line in (read("/proc/meminfo") or "").splitlines())
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if len(words) > 1}


def limits():
    """The limits that matter here, by name; None where the kernel does not say."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = number("/proc/sys/fs/nr_open")
    ports = [int(word) for word in (read("/proc/sys/net/ipv4/ip_local_port_range") or "").split()]
    return {
        "descriptors_soft": soft,
        "descriptors_hard": hard,
        "descriptors_system": number("/proc/sys/fs/file-max"),
        "ports": ports or None,
        "somaxconn": number("/proc/sys/net/core/somaxconn"),
        "tcp_max_syn_backlog": number("/proc/sys/net/ipv4/tcp_max_syn_backlog"),
        "memory_bytes": memory().get("MemTotal"),
        "memory_available_bytes": memory().get("MemAvailable"),
    }


SOURCE_ADDRESSES = 16   # the generator's: loadgen/target.h


def connection_limit(mechanisms, at=None):
    """The Limit of one server when MECHANISMS servers run at once: the smallest of 95 % of the hard descriptor limit,
    what half of the available memory holds, and the generator's ports. AT: limits() of another machine."""
    at = at or limits()
    found, ports = [descriptor_limit(mechanisms, at)], at.get("ports")
    if ports:
        found.append(Limit(units.two_digits((ports[1] - ports[0] + 1) * SOURCE_ADDRESSES),
                           "the generator's ports: widen net.ipv4.ip_local_port_range"))
    return min(found, key=lambda limit: limit.most)


def descriptor_limit(processes=1, at=None):
    """The Limit of descriptors that each of so many PROCESSES can have open for connections, or for what needs less
    memory. AT: as above."""
    at = at or limits()
    hard, available = at["descriptors_hard"], at["memory_available_bytes"]
    found = [Limit(units.two_digits(hard * PERCENT_USED // 100),
                   f"the hard descriptor limit is {hard:,} (`ulimit -Hn`)")]
    if available:
        found.append(Limit(units.two_digits(available // 2 // (BYTES_PER_CONNECTION * processes)),
                           f"memory: {available // 2**20:,} MiB are available"))
    return min(found, key=lambda limit: limit.most)
