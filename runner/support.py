"""Which mechanism cannot do what: the rules in one place. A case that is ruled out here is a row, not a
gap."""

from runner import namespace

# Standard input and output, the listening socket, the ledger and a reserve are not connections.
FD_SETSIZE, SELECT_RESERVE = 1024, 24
SELECT_CONNECTIONS = FD_SETSIZE - SELECT_RESERVE


def base(mechanism):
    """The mechanism without its label: "epoll-lt:again" is the server epoll-lt under another name."""
    return mechanism.partition(":")[0]


def program(folder, mechanism):
    """The server of MECHANISM in FOLDER (a Path): one of its full name, or else that of its base."""
    labelled = folder / f"echo-{mechanism}"
    return labelled if labelled.is_file() else folder / f"echo-{base(mechanism)}"


def unsupported(mechanism, settings):
    """Why MECHANISM cannot run a cell with these SETTINGS, a sentence; None if it can."""
    mechanism = base(mechanism)
    if settings.get("network_delay") and namespace.why_not():
        return namespace.why_not()
    if mechanism == "select" and settings["connections"] > SELECT_CONNECTIONS:
        return "select cannot watch descriptors from FD_SETSIZE (1,024) on"
    if mechanism == "epoll-et" and settings["drain"] == "once":
        return "edge-triggered epoll stalls when a socket is not read until it is empty"
    return None


def wait_unsupported(mechanism, settings):
    """The same for waitcost."""
    too_many, too_high = settings["descriptors"] > SELECT_CONNECTIONS, (settings["high"] or 0) >= FD_SETSIZE
    if mechanism == "select" and (too_many or too_high):
        return "select cannot watch descriptors from FD_SETSIZE (1,024) on"
    return None
