"""The report of a run: one self-contained HTML file, and a summary for the terminal."""
import base64
import re
import shlex
import subprocess
import sys
from pathlib import Path

from runner.files import replace
from runner.process import dying_with_us

from . import answer, caption, cells, costs, data, expect, figures, style, tables, text, waits

TEMPLATE = "report.html.j2"
FIGURE = re.compile(rb"== figure (.+)\n")   # what scaling.gp puts between two figures


def write(run_dir):
    """Draw the figures of a run's servers into RUN/figures/, by matplotlib and by gnuplot, and write RUN/report.html;
    return its path, or None for a run of waitcost alone.

    The same samples give the same bytes. data.RunError says what is wrong with a run that cannot be drawn.
    """
    import jinja2
    if not _servers(data.read_run(run_dir)):
        return None
    run = data.read_run(run_dir, "servers")
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined,
                                     trim_blocks=True, lstrip_blocks=True)
    html = environment.get_template(TEMPLATE).render(
        run=run, title=run.folder.name, answer=answer.sentences(run), machine=caption.machine_line(run),
        sections=[section(scenario, run.folder / "figures") for scenario in run.scenarios],
        columns=tables.COLUMNS, gates=tables.gates(), untimed=tables.untimed(run), reruns=tables.reruns(run),
        remarks=tables.remarks(run),
        lacking=tables.lacking(run), counts=tables.counts(run), disturbed=tables.disturbed(run),
        excluded=tables.excluded(run), limits=tables.limits(run),
        environment=tables.environment(run), nameless=tables.missing_metadata(run), commands=commands(run),
        exploratory=any(scenario.exploratory for scenario in run.scenarios), standard=data.STANDARD_BLOCKS,
        value=text.value, percent=text.percent)
    _, *drawn = FIGURE.split(draw_with_gnuplot(run.folder, "stream"))
    for name, picture in zip(drawn[::2], drawn[1::2]):
        replace(run.folder / "figures" / name.decode(), picture)
    replace(run.folder / "report.html", html)
    return run.folder / "report.html"


def section(scenario, folder):
    """What the template needs of one scenario; draws its figures."""
    drawn = [{"measure": figures.MEASURES[name], "source": data_uri(Path(f"{path}.svg")), "name": path.name,
              "title": figures.title_of(figures.MEASURES[name], scenario), "wide": wide}
             for name, path, wide in figures.draw(scenario, folder)]
    base, rows, names = tables.base_of(scenario), tables.lines(scenario), list(scenario.raw.columns)
    percentiles = [name for name, _ in tables.PERCENTILES
                   if any(line.figures[name][0] != text.NONE for _, lines in rows for line in lines)]
    return {"scenario": scenario, "name": scenario.name, "figures": drawn, "cells": rows, "base": base,
            "percentiles": percentiles, "constants": tables.constants(scenario), "raw": tables.raw(scenario),
            "width": 2 + len(tables.COLUMNS) + (3 if base else 0) + len(percentiles),
            "verdicts": expect.verdicts(scenario), "crossovers": costs.crossovers(scenario),
            "costs": [(cells.name_of(values), lines, text.joined(without) if without else "")
                      for values, lines, without in costs.fits(scenario)],
            "spoiled": tables.as_text(scenario.spoiled),
            "closed": (scenario.samples["arrival"] == "closed").all(), "id_column": names.index("sample"),
            "question": scenario.definition.get("question"),
            "prediction": scenario.definition.get("prediction")}


def data_uri(path):
    """An SVG file as an address that holds it."""
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def commands(run):
    """The commands that make this run again and draw it again, one line each."""
    found = []
    for scenario in run.scenarios:
        command = scenario.environment.get("command")
        if isinstance(command, list):
            command = shlex.join(["./muxbench", *command[1:]])
        command = command or f"./muxbench run {shlex.quote(f'results/{run.folder.name}/scenario.toml')}"
        if command not in found:
            found.append(command)
    return found + [f"./muxbench report {shlex.quote(f'results/{run.folder.name}')}"]


def draw_with_gnuplot(run_dir, terminal):
    """What scaling.gp draws of a run, as bytes: with terminal "stream" the classic scaling plots, each after its name,
    with "dumb" one as text. Without gnuplot: nothing, said on standard error."""
    script = Path(__file__).with_name("scaling.gp")
    folder = str(run_dir).replace("'", "''")   # gnuplot's way to quote a quote
    setting = f"run='{folder}'; terminal='{terminal}'"
    try:
        done = subprocess.run(["gnuplot", "-e", setting, script], capture_output=True, check=True,
                              preexec_fn=dying_with_us())
    except FileNotFoundError:
        print("gnuplot is not installed: no scaling plots by gnuplot; run `make deps`", file=sys.stderr)
        return b""
    except subprocess.CalledProcessError as error:
        print(f"no scaling plots by gnuplot: {error.stderr.decode(errors='replace').strip()}", file=sys.stderr)
        return b""
    return done.stdout


def summary(run_dir, console=None):
    """Print the medians of a run, one table for each scenario, a plot, and the answer.

    console: a rich Console; by default standard output.
    """
    from rich.console import Console
    console = console or Console()
    run = data.read_run(run_dir)
    for scenario in run.scenarios:
        console.print(summary_table(scenario) if scenario.program == "servers" else waits.summary_table(scenario))
    if _servers(run):
        _print_servers(console, data.read_run(run_dir, "servers"))
    for scenario in run.scenarios:
        _print_verdicts(console, scenario.name, expect.verdicts(scenario))


def _servers(run):
    return [scenario for scenario in run.scenarios if scenario.program == "servers"]


def _print_servers(console, run):
    """A plot of a run of the servers, and the answer."""
    print(draw_with_gnuplot(run.folder, "dumb").decode(), end="", file=console.file)
    if tables.disturbed(run):
        console.print(f"[bold]disturbed[/bold]: {tables.disturbed(run)} samples are suspect: other programs, or other "
                      "guests of the host, used the machine meanwhile", highlight=False)
    for sentence in answer.sentences(run):
        console.print(f"• {sentence.text}", highlight=False)


def _print_verdicts(console, name, verdicts):
    """A line for each prediction; those about cells that this run does not have are counted only."""
    from rich.markup import escape
    for verdict in verdicts:
        if verdict.finding:
            why = f"; {verdict.why}" if verdict.why else ""
            console.print(f"{name}: [bold]{verdict.verdict}[/bold]: {escape(verdict.claim)}: {verdict.number}{why} "
                          f"[dim]({escape(verdict.predicted)})[/dim]", highlight=False)
    without = sum(verdict.finding is None for verdict in verdicts)
    if without:
        console.print(f"{name}: {without} of {len(verdicts)} predictions not measured: no such cell in this run",
                      highlight=False)


def summary_table(scenario):
    """A rich table of 80 columns: a line per cell, a column per mechanism, and the ratio of the scenario."""
    from rich import box
    from rich.table import Table
    usable, base, mechanisms = scenario.usable, tables.base_of(scenario), style.order(scenario.samples["mechanism"])
    others = [(name, base) for name in mechanisms if base and name != base]   # without a scanner, such as an A/A
    pair = cells.pair(usable) or next(iter(others), None)
    second = ("throughput_per_s", "requests/s") if (usable["arrival"] == "closed").all() else \
        ("server_cpu_percent", "% of a core")
    stamp = ", exploratory" if scenario.exploratory else ""
    saturated = "; * saturated" if usable["saturated"].any() else ""
    table = Table(title=f"[bold]{scenario.name}[/bold]: server CPU µs/request, then {second[1]}; medians, "
                        f"{scenario.blocks} block{'s' if scenario.blocks != 1 else ''}{stamp}",
                  caption=f"{tables.constants(scenario)}; 95 % intervals{saturated}",
                  title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0),
                  pad_edge=False, show_edge=False)
    table.add_column("cell", no_wrap=True)
    for name in mechanisms + ([f"{pair[0]} ÷\n{pair[1]}"] if pair else []):
        table.add_column(name, justify="right")
    for cell in cells.split(scenario):
        name = cell.name.replace(" connections", " conn.").replace(" requests/s", "/s")
        name = name.replace(", ", "\n", 1)
        ratio = [_summary_ratio(cells.ratio(cell.usable, *pair))] if pair else []
        table.add_row(name, *(_summary_cell(cell, mechanism, second[0]) for mechanism in mechanisms), *ratio)
    return table


def _summary_cell(cell, mechanism, second):
    rows = cell.usable[cell.usable["mechanism"] == mechanism]
    if rows.empty:
        return f"[dim]{' '.join(sorted(set(cell.rows['status'][cell.rows['mechanism'] == mechanism])))}[/dim]"
    mark = "*" if mechanism in cell.saturated else ""
    return (f"[bold]{text.value(rows['server_cpu_us_per_request'].median())}[/bold]\n"
            f"[dim]{text.value(rows[second].median())}{mark}[/dim]")


def _summary_ratio(ratio):
    if ratio is None:
        return text.NONE
    bounds = "–".join(text.value(bound) for bound in ratio.interval95 or ())
    return f"[bold]{text.value(ratio.value)}[/bold]\n[dim]{bounds}[/dim]"
