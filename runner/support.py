"""Which mechanism cannot do what: the rules in one place. A case that is ruled out here is a row, not a
gap."""

# FD_SETSIZE is 1,024 descriptors; standard input and output, the listening socket, the ledger and a reserve
# are not connections.
SELECT_CONNECTIONS = 1000


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
    if mechanism == "select" and settings["connections"] > SELECT_CONNECTIONS:
        return "select cannot watch descriptors from FD_SETSIZE (1,024) on"
    if mechanism == "epoll-et" and settings["drain"] == "once":
        return "edge-triggered epoll stalls when a socket is not read until it is empty"
    return None
