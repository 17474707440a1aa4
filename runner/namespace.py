"""A network of a block's own, which delays what is sent over it as a wide-area network does: a network namespace whose
loopback has netem's delay.

The namespace has no name. A child of ours makes it and lives in it; with the last process inside, it is gone. Where we
are not root it stands in a user namespace, in which the kernel lets us configure it. The machine's own loopback is
never touched: what configures one makes sure first that it is another.
"""
import functools
import os

from runner import process
from runner.process import ChildError, Children

READY_S = 10
PACKETS = 10_000_000   # netem drops what is above; its default, 1,000, is less than a second of our load

# Normal users often do not have the folders of ip and tc in their PATH.
CONFIGURE = """
PATH=$PATH:/usr/sbin:/sbin
[ "$(readlink /proc/self/ns/net)" != "$1" ] || { echo 'the new network is the old one' >&2; exit 1; }
ip link set dev lo up && tc qdisc add dev lo root netem delay "$2" limit "$3" && echo ready && exec sleep infinity
"""


def enter(children, round_trip_s):
    """Let CHILDREN start all that follows in a network of their own, in which an echo takes ROUND_TRIP_S seconds more.
    ChildError with the reason if there can be none."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    each_way = f"{round(round_trip_s / 2 * 1e6)}us"   # both directions cross the loopback
    holder = children.start("the delayed network", [
        "unshare", "--net", *user, "sh", "-c", CONFIGURE, "sh", os.readlink("/proc/self/ns/net"), each_way, PACKETS])
    process.first_line(holder, READY_S)
    children.inside = ["nsenter", "--target", holder.pid, "--net",
                       *(["--user", "--preserve-credentials"] if user else []), "--"]


@functools.cache
def why_not():
    """Why this machine cannot delay a network of our own, a sentence; None: it can."""
    try:
        with Children() as children:
            enter(children, 0.001)
    except ChildError as error:
        return f"a delayed network is not to be had here: {error}"
    return None
