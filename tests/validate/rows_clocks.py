"""Rows 14 and 15: percentiles and clocks."""
import subprocess

from tests.validate.bench import BUILD, scenario
from tests.validate.oracle import check

PERCENTILES = {"response_p50_us": 0.5, "response_p99_us": 0.99, "response_p999_us": 0.999, "service_p50_us": 0.5,
               "service_p99_us": 0.99}
BEYOND = 10   # so many values must lie above a percentile


def few_requests(bench):
    """About 50: enough for a median, not for a 99th percentile."""
    text = scenario(["epoll-lt"], connections=10, active=10, arrival="uniform", rate=100, window="500ms", slice="250ms")
    return bench.measure("few-requests", text)


def row_14_histogram(_):
    unit = BUILD / "tests" / "unit" / "test_histogram"
    done = subprocess.run([unit], capture_output=True, text=True, timeout=60)
    said = [line for line in (done.stdout + done.stderr).splitlines() if "PASSED" in line or "FAILED" in line]
    return check(done.returncode == 0 and said, "; ".join(said) or f"exit status {done.returncode}")


def row_14_few_values_have_no_percentile(bench):
    """In all runs so far, and in one that is too short for a 99th percentile."""
    few = bench.once(few_requests).sample("epoll-lt")
    rows = [row for run in bench.runs for row in run.samples()]
    bad = [f"{row['sample']}: {column} of {row['requests']}" for row in rows for column, q in PERCENTILES.items()
           if row[column] and (int(row["requests"]) + int(row["errors"])) * (1 - q) < BEYOND]
    return check(not bad and not few["response_p99_us"] and (few["response_p50_us"] or few["latency"]),
                 f"{len(rows)} samples, {len(bad)} percentiles of too few {'; '.join(bad[:3])}".rstrip()
                 + f"; of {few['requests']} requests p50 {few['response_p50_us'] or 'none'} us, "
                 f"p99 {few['response_p99_us'] or 'none'}")


def row_15_the_clock(bench):
    about = bench.once(few_requests).environment()
    clock = about.get("clock") or {}
    return check(about.get("clock_source") and clock.get("resolution_ns", 0) > 0 and 0 < clock.get("cost_ns", 0) < 1e5,
                 f"{about.get('clock_source')}, {clock.get('resolution_ns')} ns, {clock.get('cost_ns')} ns a reading")
