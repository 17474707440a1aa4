"""The claims: each on this machine, again and again, without privileges, and with its experiment changed so that the
verdict flips."""
import collections
import contextlib
import json
import os
import re
import subprocess
import tomllib
from xml.etree import ElementTree

import pytest

from plots import claims as page
from runner import claim_files, claims, session
from runner.paths import Paths
from tests.servers import BUILD, ROOT, is_sanitised

FILES = claim_files.read_all(ROOT / "claims")
FUNCTIONAL = [claim for claim in FILES if not claim.is_timed]
TIMED = [claim for claim in FILES if claim.is_timed]
NAMES = {claim.slug: claim for claim in FILES}
FLIPS = [flip for path in sorted((ROOT / "tests" / "flips").glob("*.toml"))
         for flip in tomllib.loads(path.read_text())["flip"]]
EXPECTED = {slug: [verdicts] if isinstance(verdicts, str) else verdicts for slug, verdicts in
            tomllib.loads((ROOT / "tests" / "claims_verdicts.toml").read_text()).items()}
DOCUMENTS = {"select-portability", "epoll-since-2.6-centos6"}
NGINX = {"nginx-et"}
# What root alone may do on many machines: read /proc/slabinfo, mount FUSE, make a network namespace.
ROOTS = {"slab-caches", "select-poll-linear-scan", "epoll-callback-no-scan", "lt-requeue", "udp-1472"}
DRAWN = {"epoll-mmap", "select-poll-linear-scan", "epoll-callback-no-scan", "et-silent-until-eagain",
         "short-read-close-lost", "select-count-vs-value", "all-active-no-gain", "wan-idle"}
CORE = [*(path for path in sorted((BUILD / "claims").glob("*.o")) if not re.match(r"[a-e]\d\d-", path.name)),
        *(BUILD / f"{name}.o" for name in ("waitcost/fuse", "waitcost/kinds", "loadgen/fields"))]


def program(claim):
    return BUILD / "claims" / claim.path.stem


def seen(path, *options, before=(), **how):
    """What a claim's program prints as JSON."""
    done = subprocess.run([*before, path, "--json", *options], capture_output=True, text=True, timeout=60, **how)
    assert done.returncode == 0, f"{path}: {done.stderr}"
    return json.loads(done.stdout)


def brief(claim):
    """The options that keep a claim about time short."""
    return ["--blocks", "2"] if claim.is_timed else []


def together(chosen, *options):
    """{slug: what was seen} of CHOSEN, several at a time."""
    paths = Paths(claims=BUILD / "claims")
    programs = {claim.slug: paths.claims / claim.path.stem for claim in chosen}
    return dict(claims._together(chosen, programs, ["--json", *options], claims.AT_ONCE, None))


def compiled(source, folder, name="claim"):
    """A program made from the text of a claim's file."""
    (folder / f"{name}.c").write_text(source)
    flags = (BUILD / "flags").read_text().split()
    words = [word for word in flags if word not in ("-MMD", "-MP", "-Wpedantic")]
    made = subprocess.run([*words, "-w", "-I", ROOT / "claims", folder / f"{name}.c", *CORE, "-pthread", "-lm", "-o",
                           folder / name], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return folder / name


# ---- each claim ----------------------------------------------------------------------------------------------

def test_every_claim_of_the_list_is_there():
    assert collections.Counter(claim.section for claim in FILES) == {"A": 15, "B": 12, "C": 19, "D": 20, "E": 12}
    assert len(NAMES) == len(FILES) and set(EXPECTED) == set(NAMES)


def test_the_same_verdicts_twenty_times_in_a_row():
    rounds = [{slug: one["verdict"] for slug, one in together(FUNCTIONAL).items()}
              for _ in range(1 if is_sanitised() else 20)]
    wrong = {slug: verdict for slug, verdict in rounds[0].items()
             if verdict not in ["NOT APPLICABLE", *EXPECTED[slug]]}
    assert not wrong and len(rounds[0]) == len(FUNCTIONAL)
    assert [slug for slug in rounds[0] if len({one[slug] for one in rounds}) > 1] == []


@pytest.mark.parametrize("claim", FUNCTIONAL, ids=lambda claim: claim.slug)
def test_says_what_it_has_seen(claim):
    record = seen(program(claim))
    assert record["evidence"] and "\n" not in record["evidence"] and not record["evidence"].endswith(".")
    if record["verdict"] == "NOT APPLICABLE":
        return
    weighing = [one for one in record["observations"] if one["reading"] != "context"]
    assert weighing and all(one["name"] and one["shows"] for one in record["observations"])
    assert all(isinstance(one["value"], (str, int, float)) for one in record["observations"])


def test_documents_settle_two_and_nothing_is_run_for_them():
    for slug in DOCUMENTS:
        record = seen(program(NAMES[slug]))
        assert record["verdict"] == "NOT APPLICABLE" and record["observations"] == []
        assert "documents" in record["evidence"]


@pytest.mark.skipif(os.geteuid() != 0, reason="we are nobody in particular already")
@pytest.mark.skipif(is_sanitised(), reason="the leak sanitiser may not look at a program that nobody can read")
@pytest.mark.parametrize("claim", FUNCTIONAL, ids=lambda claim: claim.slug)
def test_no_privileges_are_needed(claim):
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    with open(program(claim), "rb") as file:   # nobody may not enter the folder
        record = seen(f"/proc/self/fd/{file.fileno()}", before=nobody, pass_fds=[file.fileno()])
    assert record["verdict"] in EXPECTED[claim.slug] or record["verdict"] == "NOT APPLICABLE" and (
        claim.slug in ROOTS or seen(program(claim))["verdict"] == "NOT APPLICABLE"), record


def test_a_picture_of_the_most_repeated():
    for slug in DRAWN:
        record = seen(program(NAMES[slug]), *brief(NAMES[slug]))
        if record["verdict"] != "NOT APPLICABLE":
            svg = ElementTree.fromstring(record["picture"])
            assert svg.tag.endswith("svg") and len(list(svg.iter("{http://www.w3.org/2000/svg}rect"))) > 1


# ---- flips ---------------------------------------------------------------------------------------------------

def test_every_claim_has_a_flip():
    assert {flip["claim"] for flip in FLIPS} | DOCUMENTS == set(NAMES)


@pytest.mark.skipif(is_sanitised(), reason="some go where a sanitiser stops them")
@pytest.mark.parametrize("flip", FLIPS, ids=lambda flip: f"{flip['claim']}-{flip['why'][:20]}")
def test_flips(flip, tmp_path, monkeypatch):
    """With another experiment another verdict: what is seen decides."""
    if flip["claim"] in NGINX:
        monkeypatch.setenv("PATH", f"{stand_in(tmp_path)}:{os.environ['PATH']}")
    claim = NAMES[flip["claim"]]
    source = claim.path.read_text()
    assert source.count(flip["replace"]) == 1, f"{flip['replace']!r} stands {source.count(flip['replace'])} times"
    before = seen(program(claim), *brief(claim))["verdict"]
    if before not in [EXPECTED[claim.slug][0], "INCONCLUSIVE"]:   # of times it may be unclear, with few blocks
        pytest.skip(f"{before} here")
    assert flip["verdict"] != EXPECTED[claim.slug][0]
    changed = compiled(source.replace(flip["replace"], flip["by"]), tmp_path)
    for more in ([], ["--blocks", "3"], ["--blocks", "10"], ["--blocks", "20"])[claim.is_timed:]:
        record = seen(changed, *more)
        if record["verdict"] != "INCONCLUSIVE" or not claim.is_timed:   # of times it may be, with few blocks
            break
    assert record["verdict"] == flip["verdict"], record


def stand_in(folder):
    """FOLDER, which then holds an nginx of ours."""
    (folder / "nginx").symlink_to(ROOT / "tests" / "fake_nginx.py")
    return folder


@pytest.mark.skipif(is_sanitised(), reason="the stand-in is no subject of the sanitisers")
@pytest.mark.parametrize("way, verdict", [("", "PARTLY"), ("edge", "CONFIRMED"), ("level", "REFUTED")])
def test_nginx_by_a_stand_in(way, verdict, tmp_path):
    path = f"{stand_in(tmp_path)}:{os.environ['PATH']}"
    record = seen(program(NAMES["nginx-et"]), env=os.environ | {"PATH": path, "FAKE_NGINX": way})
    assert record["verdict"] == verdict, record


# ---- the harness ---------------------------------------------------------------------------------------------

MADE_UP = """#include "claim.h"
const enum verdict if_contradicted = {contradicted}, if_mixed = {mixed};
void try_claim(void)
{{
    {code}
    conclude("%s", "it \\"was\\" so");
}}
"""


@pytest.mark.parametrize("readings, verdict", [
    (["SUPPORTS"], "CONFIRMED"), (["SUPPORTS", "CONTEXT"], "CONFIRMED"), (["CONTRADICTS"], "HISTORICAL"),
    (["CONTRADICTS", "SUPPORTS"], "DEPENDS"), (["CONTEXT"], "INCONCLUSIVE"), ([], "INCONCLUSIVE"),
    (["SUPPORTS", "UNCLEAR"], "INCONCLUSIVE"), (["CONTRADICTS", "UNCLEAR", "SUPPORTS"], "INCONCLUSIVE"),
    (["supports_if(true)"], "CONFIRMED"), (["supports_if(false)"], "HISTORICAL"),
    (["contradicts_if(true)"], "HISTORICAL"), (["contradicts_if(false)"], "CONFIRMED"),
    (["weigh(true, false)"], "CONFIRMED"), (["weigh(false, true)"], "HISTORICAL"),
    (["weigh(false, false)"], "INCONCLUSIVE"), (["weigh(true, true)"], "INCONCLUSIVE")])
def test_a_verdict_follows_from_readings(readings, verdict, tmp_path):
    code = "".join(f'observe_count("{n}", {n}, {reading}, "it");' for n, reading in enumerate(readings))
    record = seen(compiled(MADE_UP.format(contradicted="HISTORICAL", mixed="DEPENDS", code=code), tmp_path))
    assert record["verdict"] == verdict and record["evidence"] == 'it "was" so'
    assert [one["value"] for one in record["observations"]] == list(range(len(readings)))


@pytest.mark.parametrize("ratio, reading, verdict", [
    ("1.2, 1.1, 1.3", "above(r, 1)", "CONFIRMED"), ("1.2, 1.1, 1.3", "above(r, 1.2)", "INCONCLUSIVE"),
    ("1.2, 1.1, 1.3", "above(r, 1.4)", "REFUTED"), ("1.2, 1.1, 1.3", "below(r, 1.4)", "CONFIRMED"),
    ("1.2, 1.1, 1.3", "below(r, 1)", "REFUTED"), ("1.2, 1.1, 1.3", "below(r, 1.2)", "INCONCLUSIVE")])
def test_the_whole_interval_must_be_on_one_side(ratio, reading, verdict, tmp_path):
    code = f'struct ratio r = {{{ratio}, 1, 1, 10, 0}}; observe_ratio("r", r, {reading}, "it");'
    source = '#include "blocks.h"\n' + MADE_UP.format(contradicted="REFUTED", mixed="PARTLY", code=code)
    assert seen(compiled(source, tmp_path))["verdict"] == verdict


def test_a_ratio_of_work_is_found(tmp_path):
    """Three units of work against one, in blocks: about 3; and the same under two names is about 1."""
    source = """#include "blocks.h"
static volatile int sink;
static void once(void) { for (int i = 0; i < 1000; i++) sink = i; }
static void thrice(void) { once(); once(); once(); }
""" + MADE_UP.format(contradicted="REFUTED", mixed="PARTLY", code="""
    struct ratio r = compare(0, (struct side){thrice, 1}, (struct side){once, 1});
    struct ratio same = compare(0, (struct side){thrice, 3}, (struct side){once, 1});
    observe_ratio("r", r, above(r, 1.5), "it"); observe_ratio("same", same, below(same, 2), "it");""")
    assert seen(compiled(source, tmp_path), "--blocks", "3")["verdict"] in ("CONFIRMED", "INCONCLUSIVE")


@pytest.mark.parametrize("words", [["--blocks", "1"], ["--blocks", "21"], ["--blocks", "x"], ["more"], ["--no"]])
def test_wrong_usage_of_a_program_exits_2(words):
    done = subprocess.run([program(FILES[0]), *words], capture_output=True, text=True)
    assert done.returncode == 2 and "usage:" in done.stderr


# ---- the command ---------------------------------------------------------------------------------------------

COMMENT = """/*
 * {id} {slug}
 *
 * Claim: One thing is another.
 *
 * Believed because: it was.
 *
 * Experiment: Look.
 *
 * Read on: a book.
 */
"""
GOOD = json.dumps({"verdict": "REFUTED", "evidence": "it was not",
                   "observations": [{"reading": "contradicts", "name": "n", "value": 1, "shows": "[it]"}]})


class Made:
    """Made-up claims: shell scripts for programs."""

    def __init__(self, folder):
        self.paths = Paths(claims=folder / "programs", claim_files=folder / "files", results=folder / "results")
        self.paths.claims.mkdir()
        self.paths.claim_files.mkdir()

    def add(self, name, script):
        letter, number, slug = re.fullmatch(r"(.)(\d\d)-(.*)", name).groups()
        (self.paths.claim_files / f"{name}.c").write_text(
            COMMENT.format(id=f"{letter.upper()}{int(number)}", slug=slug) + "\nint code;\n")
        path = self.paths.claims / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def run(self, *words):
        from runner import cli
        return cli.main(["claims", *words], self.paths)


@pytest.fixture
def made(tmp_path):
    made = Made(tmp_path)
    made.add("a01-one", f"echo '{GOOD}'")
    made.add("e01-timed", f"echo '{GOOD}'")
    return made


def test_one_by_its_name_in_full(made, capsys):
    assert made.run("one") == 0 and made.run("A1") == 0
    said = capsys.readouterr().out
    for words in ("One thing is another.", "REFUTED: it was not.", "contradicts", "[it]", "Look.", "a book.",
                  "a01-one.c"):
        assert said.count(words) == 2
    assert not (made.paths.results / "claims").exists()


def test_all_as_a_list_for_programs_and_a_page(made, capsys):
    assert made.run("--json") == 0
    one, timed = json.loads(capsys.readouterr().out)
    assert one["slug"] == "one" and one["claim"] == "One thing is another." and one["verdict"] == "REFUTED"
    assert one["observations"] == [{"reading": "contradicts", "name": "n", "value": 1, "shows": "[it]"}]
    assert timed["verdict"] == "INCONCLUSIVE" and "make claims-timing" in timed["evidence"]
    assert "it was not" in (made.paths.results / "claims" / "claims.html").read_text().lower()


def test_times_are_kept_and_shown_beside_the_rest(made, capsys):
    assert made.run("--timing") == 0 and made.run("--json") == 0
    said = capsys.readouterr()
    assert "[1/1] timed: REFUTED" in said.err
    assert [one["verdict"] for one in json.loads(said.out[said.out.index("\n[\n"):])] == ["REFUTED", "REFUTED"]


def test_times_of_another_machine_do_not_count(made, capsys, monkeypatch):
    made.run("--timing")
    monkeypatch.setattr(claims.cpu, "model", lambda: "another")
    capsys.readouterr()
    made.run("--json")
    assert [one["verdict"] for one in json.loads(capsys.readouterr().out)] == ["REFUTED", "INCONCLUSIVE"]


def test_times_of_another_program_do_not_count(made, capsys):
    made.run("--timing")
    made.add("e01-timed", f"echo '{GOOD}' # changed")
    capsys.readouterr()
    made.run("--json")
    assert [one["verdict"] for one in json.loads(capsys.readouterr().out)] == ["REFUTED", "INCONCLUSIVE"]


def test_two_at_once_are_refused(made, capsys):
    with session.lock(made.paths.results):
        assert made.run() == 2 and "another run is going on" in capsys.readouterr().err


def test_resume_times_only_what_is_not_decided(made, capsys, tmp_path):
    made.add("e02-later", f"echo x >> {tmp_path}/runs; echo '{GOOD}'")
    made.run("--timing")
    made.add("e03-new", f"echo '{GOOD}'")
    capsys.readouterr()
    assert made.run("--timing", "--resume") == 0
    assert "[1/1] new: REFUTED" in capsys.readouterr().err and (tmp_path / "runs").read_text() == "x\n"


@pytest.mark.parametrize("script, why", [
    ("echo no descriptors >&2; exit 1", "status 1: no descriptors"), ("kill -SEGV $$", "SIGSEGV"),
    ("echo nothing", "no JSON"), ("sleep 60 & wait", "did not end within 0.2 s")])
def test_what_cannot_be_tried_is_said_and_the_rest_goes_on(script, why, made, capsys, monkeypatch):
    monkeypatch.setattr(claims, "PATIENCE_S", 0.2)
    made.add("b01-bad", script)
    made.add("b02-good", f"echo '{GOOD}'")
    assert made.run("--json") == 1
    records = {one["slug"]: one for one in json.loads(capsys.readouterr().out)}
    assert why in records["bad"]["evidence"] and records["bad"]["verdict"] == "INCONCLUSIVE"
    assert records["good"]["verdict"] == "REFUTED"


@pytest.mark.parametrize("words, said", [
    (["ona"], "did you mean one?"), (["xyzzy"], "`./muxbench claims` lists them"),
    (["one", "--timing"], "needs no --timing"), (["--resume"], "give both"), (["--blocks", "1"], "from 2 to 20")])
def test_wrong_usage_is_refused(words, said, made, capsys):
    with contextlib.suppress(SystemExit):
        assert made.run(*words) == 2
    assert said in capsys.readouterr().err


def test_what_is_not_built_is_named(made, capsys):
    (made.paths.claims / "a01-one").unlink()
    assert made.run() == 2 and "is not built: run `make`" in capsys.readouterr().err


def test_a_damaged_store_is_named(made, capsys):
    (made.paths.results / "claims").mkdir(parents=True)
    (made.paths.results / "claims" / "claims.json").write_text("[1]")
    assert made.run() == 2 and "remove it" in capsys.readouterr().err


def test_ctrl_c_keeps_what_is_timed(made, tmp_path, monkeypatch, capsys):
    made.add("e02-endless", f"kill -INT {os.getpid()}; sleep 60")
    assert made.run("--timing") == 130
    assert "--timing --resume" in capsys.readouterr().err
    kept = json.loads((made.paths.results / "claims" / "claims.json").read_text())
    assert list(kept) == ["timed"]


@pytest.mark.parametrize("spoil, said", [
    (("A1 one", "A1 two"), "must begin with"), (("Experiment:", "Tried:"), "lacks a paragraph \"Experiment:\""),
    (("Read on:", "Claim:"), "each of"), (("Claim: One", "One"), "each of")])
def test_a_file_without_the_form_is_named(spoil, said, made, capsys):
    path = made.paths.claim_files / "a01-one.c"
    path.write_text(path.read_text().replace(*spoil))
    assert made.run() == 2
    assert "a01-one.c" in (error := capsys.readouterr().err) and said in error


# ---- pages ---------------------------------------------------------------------------------------------------

def test_the_page_needs_nothing_else(made):
    made.add("a02-drawn", "echo '" + GOOD[:-1] + ', "picture": "<svg xmlns=\\"http://www.w3.org/2000/svg\\"/>"}' + "'")
    made.run()
    html = (made.paths.results / "claims" / "claims.html").read_text()
    assert not re.search(r'(src|href)="(?!#)', html) and "<svg" in html
    assert html.index('id="one"') < html.index('id="drawn"') < html.index('id="timed"') and "int code;" in html


def test_claims_readme_is_of_these_files():
    assert (ROOT / "claims" / "README.md").read_text() == page.readme(FILES), "run `make claims-readme`"
