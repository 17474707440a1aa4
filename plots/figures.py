"""The figures: each is one question to the samples, with a panel for each setting beside its x axis."""
from dataclasses import dataclass

from runner.files import writing

from . import caption, cells, panels, share, style


@dataclass(frozen=True)
class Measure:
    """What a figure shows of the samples, and how to read it. y_scale: "percent", "linear" or "log"; x_scale:
    "linear" or "log"."""
    column: str
    title: str
    y_label: str
    y_scale: str
    reading: str
    x_scale: str = "log"


MEASURES = {
    "cpu_percent": Measure(
        "server_cpu_percent", "How much of a core the server needs for the same work, as connections grow",
        "server CPU (% of one core)", "percent",
        "Every server answers the same requests per second; the higher the line, the more of its core that "
        "takes. A straight line is a cost in proportion to the connections. At 100 % the core is full: ringed "
        "points could not keep up.", x_scale="linear"),
    "throughput": Measure(
        "throughput_per_s", "Requests answered per second, as connections grow", "requests/s", "linear",
        "Higher is better. In a closed loop the generator can be the limit too (see “limited by” in the "
        "table), so read the cost per request beside it."),
    "cpu_per_request": Measure(
        "server_cpu_us_per_request", "What one request costs the server, as connections grow",
        "server CPU (µs per request)", "log",
        "Lower is better. A flat line costs the same from left to right; ten times to the right and ten "
        "times up is a cost in proportion."),
    "examined": Measure(
        "fds_per_request", "Descriptors looked at for one request, as connections grow",
        "descriptors examined per request", "log",
        "A count, not a time: select and poll hand every descriptor to the kernel in each wait; epoll is handed "
        "back the ready ones only. Under load one wait finds several requests, and they share its cost."),
    "share": Measure(
        "server_cpu_us_per_request", "What one request costs the server, as more connections are active",
        "server CPU (µs per request)", "log",
        "Above: cost. Below: how many times epoll's cost, paired within blocks; 1 means equal. The dashed "
        "line is where the ratio falls through 1, the strip its 95 % interval over the blocks."),
}


def draw(scenario, folder):
    """Draw the scenario's figures into `folder` as SVG and PNG; a figure without a number is left out.

    Returns [(the figure's name, its path without the ending, whether it is wide)].
    """
    drawn = []
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name in scenario.figures:
        measure = MEASURES[name]
        if scenario.usable[measure.column].notna().any():
            path = folder / f"{scenario.name}-{name.replace('_', '-')}"
            with style.context():
                picture = (share.figure if name == "share" else figure)(scenario, measure)
                wide = picture.get_figwidth() > 8
                style.save(picture, path)
            drawn.append((name, path, wide))
    return drawn


def figure(scenario, measure):
    """Return a matplotlib figure of one measure against connections, or the active share if that varies."""
    samples = scenario.samples
    x, settings = axis_and_panels(samples)
    parts = list(cells.groups(samples, settings))
    fig, grid = panels.canvas(len(parts))
    for axes, (values, rows) in zip(grid, parts):
        axes.set_title(cells.name_of(values or constant(rows)), color=style.FAINT)
        panels.draw(axes, rows, x, measure.column)
    panels.scale_y(grid, measure.y_scale)
    for axes, (_, rows) in zip(grid, parts):
        axes.set_ylabel(measure.y_label)
        panels.finish(axes, rows, x, measure)
    ringed = scenario.usable["saturated"].any()
    caption.head_and_foot(fig, title_of(measure, scenario), scenario, ringed)
    return fig


def title_of(measure, scenario):
    """The figure's title: its subject, and what grows from left to right."""
    if axis_and_panels(scenario.samples)[0] == "connections":
        return measure.title
    return measure.title.replace("connections grow", "more connections are active")


def axis_and_panels(samples):
    """The x axis and the settings of the panels: connections, or the active share if that has more values."""
    along = cells.x_setting(samples)
    x = "active_percent" if along == "active_setting" else along
    return x, [name for name in cells.varying(samples) if name != along]


def constant(rows):
    """What a figure's only panel is about: how many are active, and the rate."""
    return {name: rows[name].iloc[0] for name in ("active_setting", "offered_per_s")
            if rows[name].nunique(dropna=False) == 1}
