"""Which samples are suspect: the machine gave its time to others while they were taken. A gate looks at the
environment only, never at the outcome; what is suspect is kept, and marked with the reason."""
import os

STEAL_PERCENT = 1
# Of the whole machine. Seen on 2 cores: up to 10 when all was quiet, 20 to 50 beside a test suite.
OTHERS_PERCENT = 10
TICKS_US = 30_000   # what the kernel's accounting in ticks may be wrong by


def others_percent(sample, slices, cpus):
    """The share of the CPUS, in percent, that neither server nor generator used while they were
    driven. SAMPLE and SLICES: rows. None if it was not measured."""
    machine = sample.get("machine_cpu_percent")
    duration_us = sum(one["duration_ms"] for one in slices) * 1000
    ours_us = [one.get(key) for one in slices for key in ("server_cpu_us", "client_cpu_us",
                                                          "client_polling_us")]
    if machine is None or not duration_us or None in ours_us:
        return None
    return machine - 100 * sum(ours_us) / (duration_us * cpus)


def suspicion(sample, slices, cpus=os.cpu_count()):
    """Why SAMPLE (a row) is suspect, or None; SLICES are its rows."""
    steal = sample.get("steal_percent")
    if steal is not None and steal > STEAL_PERCENT:
        return f"the hypervisor gave {steal:.1f} % of the time to others (steal)"
    others = others_percent(sample, slices, cpus)
    if others is None:
        return None
    duration_us = sum(one["duration_ms"] for one in slices) * 1000
    if others > OTHERS_PERCENT + 100 * TICKS_US / duration_us:
        return f"other programs used {others:.0f} % of the machine meanwhile"
    return None
