"""`muxbench profile`: where one server's CPU time goes, as a flame graph and as the share of each system call."""
import datetime
import json
import shutil
import sys

from runner import block, cells, cpu, files, limits, machine, perf, plan, session, stacks, store, units
from runner.errors import INTERRUPTED, Interrupted, UserError
from runner.keys import KEYS, MECHANISMS
from runner.paths import shown
from runner.support import unsupported

LONGEST_S = 60   # its samples are held in memory
WORDS = {"wait": "in the wait", "ctl": "in epoll_ctl", "read": "in reads", "write": "in writes",
         "accept_close": "in accept and close", "user": "in the server's own code and libc",
         "other": "elsewhere in the kernel"}
RECEIVING = "the receive path of the client's socket (net_rx_action), which runs within these calls"
NO_SPEED = "Shares, not speed: perf itself takes some 4 % of the server's time."
BLIND = {"cpu-clock": " What the kernel does with interrupts off is charged to where it allows them again."}


def run(options, paths):
    """Do what OPTIONS ask for; returns the exit status. UserError says what is wrong with them, or why nothing can be
    sampled here."""
    settings = _settings(options)
    why = unsupported(options.mechanism, settings) or perf.why_not()
    if why:
        raise UserError(why)
    if not (paths.bin / f"echo-{options.mechanism}").is_file() or not (paths.bin / "loadgen").is_file():
        raise UserError(f"the programs are not in {shown(paths.bin)}: run `make`")
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    folder = (options.out or paths.results / f"profile-{options.mechanism}-{stamp}").absolute()
    if folder.exists():
        raise UserError(f"{shown(folder)}: exists already; choose another folder")
    try:
        with session.interruptible(), session.lock(paths.results):
            _say(f"{_subject(options.mechanism, settings)}: sampling for {units.duration(settings['window'])}")
            about, profile = _measure(options.mechanism, settings, paths)
            _store(folder, about, profile)
    except Interrupted:
        _say("\ninterrupted; nothing was stored")
        return INTERRUPTED
    _print(about, profile, folder)
    return 0


def _say(message):
    print(message, file=sys.stderr, flush=True)


# ---- what is asked -------------------------------------------------------------------------------------------

def _settings(options):
    """The settings of a Cell: as OPTIONS say, the defaults of a scenario for the rest."""
    if options.mechanism not in MECHANISMS:
        raise UserError(f"{options.mechanism}: no such mechanism; there are: {', '.join(MECHANISMS)}")
    most = limits.connection_limit(1)
    connections = _option("connections", options.connections)
    connections = most.most if connections == "max" else connections
    if connections > most.most:
        raise UserError(f"--connections {connections:,}: more than {most.most:,}: {most.why}")
    active = min(10, connections) if options.active is None else _option("active", options.active)
    rate = _option("rate", options.rate)
    settings = {name: key.number(key.default) for name, key in KEYS.items()
                if name not in ("mechanism", "max_connections")}
    settings |= {"connections": connections, "active": active, "rate": rate, "profile": True,
                 "arrival": "closed" if rate == "max" else "poisson", "window": _seconds(options.seconds)}
    if cells.active_count(active, connections) > connections:
        raise UserError(f"--active {active:,}: more than the {connections:,} connections; give as many at most")
    cells.resolve(settings, most)
    return settings


def _option(name, text):
    """What --NAME says, as a scenario may say it too."""
    from jsonschema import Draft202012Validator
    key = KEYS[name]
    if Draft202012Validator(key.schema).is_valid(text):
        number = key.number(text)
        whole = isinstance(number, str) or name == "rate" or number == int(number)
        if isinstance(number, str) or whole and key.range[0] <= number <= key.range[1]:
            return number
    raise UserError(f"--{name} {text}: allowed: {key.allowed}")


def _seconds(text):
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= LONGEST_S:
        raise UserError(f"--seconds {text}: give a number from 0.1 to {LONGEST_S}")
    return seconds


# ---- measuring -----------------------------------------------------------------------------------------------

def _measure(mechanism, settings, paths):
    """(what profile.json says, the stacks.Profile) of one block with one server. UserError if it failed."""
    cores = cpu.pick(cpu.topology())
    bench = block.Bench("profile", True, paths.bin, None, cores.server, cores.loadgen)   # nothing is kept of it
    cell = cells.Cell(f"profile-c{settings['connections']}-a{settings['active']}", settings["drain"], [mechanism],
                      settings)
    tables, _ = block.run(bench, plan.Step(1, cell, [mechanism], 1))
    row, = tables[store.SAMPLES]
    if row["status"] not in ("valid", "suspect"):
        raise UserError(f"echo-{mechanism}: {row['status']}: {row['reason']}")
    profile = row.get("profile")
    if not profile or not profile.samples:
        raise UserError(f"no profile: {row.get('unprofiled', 'perf took no sample of the server in the window')}")
    return _about(mechanism, settings, cores, profile), profile


def _about(mechanism, settings, cores, profile):
    names = ("connections", "active", "rate", "arrival", "message_bytes", "drain")
    hidden = perf.hidden_symbols()
    return {
        "version": 1, "mechanism": mechanism, **{name: settings[name] for name in names},
        "seconds": settings["window"], "event": perf.event(), "samples_per_s": perf.HZ, "samples": profile.samples,
        "shares": {kind: _share(count, profile.samples) for kind, count in profile.counts.items()},
        "net_rx_action": None if hidden else _share(profile.receiving, profile.samples),
        "symbols": hidden or "named", "server_cpu": cores.server, "loadgen_cpu": cores.loadgen,
        "environment": machine.describe(["muxbench", *sys.argv[1:]])}


def _share(count, samples):
    percent, low, high = stacks.share(count, samples)
    return {"samples": count, "percent": percent, "low": low, "high": high}


def _store(folder, about, profile):
    """FOLDER with the profile in it, all or nothing."""
    from plots import caption, flame
    building = files.beside(folder)
    about_machine = about["environment"]
    heading = [_subject(about["mechanism"], about),
               f"{profile.samples:,} samples of {about['event']} at {about['samples_per_s']:,} per second, of the "
               "server's process in the measured window",
               f"{caption.machine(about_machine)} · Linux {about_machine['kernel']} · {about_machine['date'][:10]}",
               " · ".join(f"{WORDS[kind].removeprefix('in ')} {about['shares'][kind]['percent']:.1f} %"
                          for kind in stacks.KINDS if about["shares"][kind]["samples"])]
    foot = [_caution(about)] + ([] if about["symbols"] == "named" else [about["symbols"]])
    try:
        with files.writing(folder):
            building.mkdir(parents=True)
        files.replace(building / "profile.svg", flame.draw(profile.stacks, heading, foot))
        files.replace(building / "folded.txt", profile.folded())
        files.replace(building / "profile.json", json.dumps(about, indent=1) + "\n")
        with files.writing(folder):
            building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)


# ---- what is said --------------------------------------------------------------------------------------------

def _subject(mechanism, settings):
    """The server and its load in a few words."""
    load = "as fast as it goes" if settings["rate"] == "max" else f"{settings['rate']:,g} requests/s"
    return (f"echo-{mechanism}, {settings['connections']:,} connections, {settings['active']:,} active, {load}")


def _caution(about):
    return NO_SPEED + BLIND.get(about["event"], "")


def _print(about, profile, folder):
    from rich import box
    from rich.console import Console
    from rich.table import Table
    table = Table(title=f"{_subject(about['mechanism'], about)}:\nwhere its CPU time goes", box=box.SIMPLE_HEAD,
                  title_justify="left", title_style="bold", pad_edge=False)
    for name in ("of the server's samples", "%", "95 % interval", "samples"):
        table.add_column(name, justify="left" if not table.columns else "right", overflow="fold")
    for kind in stacks.KINDS:
        _add_row(table, WORDS[kind], about["shares"][kind])
    table.add_section()
    table.add_row("together", "100.0", "", f"{profile.samples:,}")
    if about["net_rx_action"]:
        _add_row(table, RECEIVING, about["net_rx_action"])
    console = Console(highlight=False)
    console.print(table)
    console.print(_caution(about))
    if about["symbols"] != "named":
        console.print(f"Note: {about['symbols']}.")
    console.print(f"{shown(folder)}/profile.svg, folded.txt, profile.json", soft_wrap=True)


def _add_row(table, words, share):
    table.add_row(words, f"{share['percent']:.1f}", f"{share['low']:.1f} to {share['high']:.1f}",
                  f"{share['samples']:,}")
