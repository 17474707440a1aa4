"""classics.html: the famous plots of the field on today's kernel, each beside the published one."""
from pathlib import Path

from runner.files import replace

from .. import caption, data, expect, text
from ..report import data_uri
from . import figures, numbers, published, sections

TEMPLATE = "classics/classics.html.j2"
PAGE = "classics.html"


def write(run_dir):
    """Draw the classics of a run into RUN/figures/ and write RUN/classics.html; return its path, or None where the run
    has no classic. The same samples give the same bytes. data.RunError says what is wrong with a run or a published
    file."""
    import jinja2
    run = data.read_run(run_dir)
    known = published.names()
    chosen = [one for one in run.scenarios if one.name in known or one.program == "waitcost"]
    if not chosen:
        return None
    chosen.sort(key=lambda one: sections.classic_of(one).place)
    loader = jinja2.FileSystemLoader(Path(__file__).parent.parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined,
                                     trim_blocks=True, lstrip_blocks=True)
    html = environment.get_template(TEMPLATE).render(
        title=run.folder.name, machine=caption.machine_line(run), around=around(chosen),
        sections=[section(one, run) for one in chosen], value=text.value, plain=plain,
        exploratory=any(one.exploratory for one in chosen),
        suspects=sum(map(sections.suspects, chosen)), samples=sum(len(one.samples) for one in chosen),
        standard=data.STANDARD_BLOCKS,
        absent=[name for name in known if name not in {one.name for one in chosen}])
    replace(run.folder / PAGE, html)
    return run.folder / PAGE


def section(scenario, run):
    """What the template needs of one classic; draws its figure."""
    classic = sections.classic_of(scenario)
    drawn = figures.draw(scenario, classic, run.folder / "figures")
    ratios, verdicts = sections.then_and_now(scenario, classic), expect.verdicts(scenario)
    return {"name": scenario.name, "classic": classic, "setting": sections.setting(scenario),
            "figure": {"source": data_uri(Path(f"{drawn[0]}.svg")), "wide": drawn[1]} if drawn else None,
            "answer": sections.answer(classic, ratios), "ratios": ratios, "verdicts": verdicts,
            "tally": sections.tally(verdicts), "numbers": numbers.tables(scenario, classic),
            "counted": numbers.counted(scenario, classic), "sampled": numbers.sampled(scenario),
            "crossovers": numbers.crossovers(scenario, classic), "filled": numbers.filled(scenario, classic),
            "commands": sections.commands(scenario),
            "polls": sections.polls(scenario, run), "refused": sections.refused(scenario),
            "question": scenario.definition.get("question"), "prediction": scenario.definition.get("prediction"),
            "table": "waits.csv" if scenario.program == "waitcost" else "samples.csv"}


def around(scenarios):
    """What stands around the numbers: [(words, text)] of the kernel, the machine, its mitigations, and the path."""
    its = next((one.environment for one in scenarios if one.environment), {})
    mitigations = its.get("mitigations")
    if isinstance(mitigations, dict):
        mitigations = "; ".join(f"{name}: {state}" for name, state in sorted(mitigations.items()))
    programs = {one.program for one in scenarios}
    path = {"waitcost": "P1 to P4 use no network: pipes and socket pairs; FUSE where descriptors are counted",
            "servers": "P5 to P15: TCP over the loopback interface, server and generator on one machine"}
    known = [("kernel", " ".join(str(its[key]) for key in ("kernel", "kernel_build") if its.get(key))),
             ("machine", caption.machine(its)), ("virtualisation", its.get("virtualisation")),
             ("mitigations", mitigations), ("boot options", " ".join(map(str, its.get("boot_options") or []))),
             ("network", "; ".join(path[name] for name in ("waitcost", "servers") if name in programs))]
    return [(words, shown or "not recorded") for words, shown in known]


def plain(cell):
    """A cell of a published table: words as they are, numbers as printed, thousands marked."""
    return cell if isinstance(cell, str) else f"{cell:,}"
