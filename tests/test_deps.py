"""runner/deps.sh and the launcher: the interpreter, what is missing, and the one command that installs it."""
import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

DEPS = ROOT / "runner" / "deps.sh"
TOOLS = ("sh", "cat", "tr", "id", "env", "readlink", "dirname", "ls")
MANAGERS = ("apt-get", "dnf", "pacman", "apk")


def script(path, text):
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)


@pytest.fixture
def bare(tmp_path):
    """A machine with next to nothing: a copy of deps.sh whose system Python is not there, and a PATH of a few
    tools. Any package manager put into bin/ writes how it was called to the file `called`."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "runner").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    text = DEPS.read_text().replace("system_python=/usr/bin/python3", f"system_python={tmp_path}/usr/python3")
    assert f"{tmp_path}/usr/python3" in text
    (tmp_path / "runner" / "deps.sh").write_text(text)
    return tmp_path


def add_manager(bare, name, body="exit 0"):
    script(bare / "bin" / name, f'echo "{name} $*" >> {bare}/called\n{body}\n')


def add_user(bare, number):
    """`id -u` says NUMBER: 0 is root."""
    (bare / "bin" / "id").unlink(missing_ok=True)
    script(bare / "bin" / "id", f"echo {number}")


def deps(bare, *arguments, shell="sh", **variables):
    return subprocess.run([shutil.which(shell), bare / "runner" / "deps.sh", *arguments], capture_output=True,
                          text=True, timeout=60, env={"PATH": str(bare / "bin"), **variables})


def called(bare):
    path = bare / "called"
    return path.read_text().splitlines() if path.exists() else []


def satisfy(bare):
    """Make all needs present: programs that do nothing, and an interpreter that finds all modules."""
    for name in ("cc", "make", "gnuplot", "hyperfine", "perf", "strace", "clang", "clang-format", "clang-tidy",
                 "cppcheck", "git", "ip", "unshare"):
        script(bare / "bin" / name, "exit 0")
    script(bare / "bin" / "python3", 'echo "/somewhere/python3 "')


def real(*arguments, **variables):
    return subprocess.run([DEPS, *arguments], capture_output=True, text=True, timeout=60,
                          env=os.environ | variables)


@pytest.mark.parametrize("group", ["bench", "test", "profile"])
def test_nothing_missing_is_silent_and_calls_nobody(bare, group):
    satisfy(bare)
    for manager in MANAGERS:
        add_manager(bare, manager)
    done = deps(bare, "install", group)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert called(bare) == []


@pytest.mark.parametrize("manager, command", [
    ("apt-get",
     "apt-get update && {}apt-get install -y --no-install-recommends gcc libc6-dev make python3 python3-numpy"
     ),
    ("dnf", "dnf install -y gcc glibc-devel make python3 python3-numpy"),
    ("pacman", "pacman -S --needed --noconfirm gcc make python python-numpy"),
    ("apk", "apk add gcc musl-dev linux-headers make python3 py3-numpy"),
])
def test_without_root_prints_one_exact_command(bare, manager, command):
    add_manager(bare, manager)
    add_user(bare, 1000)
    script(bare / "bin" / "sudo", "exit 1")
    done = deps(bare, "install", "bench")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("sudo " + command.format("sudo "))
    assert "pytest" not in last
    assert called(bare) == []


def test_without_sudo_the_command_is_for_su(bare):
    add_manager(bare, "apk")
    add_user(bare, 1000)
    assert deps(bare, "install", "bench").stderr.splitlines()[-1].startswith("su -c 'apk add gcc")


def test_the_tests_need_more(bare):
    add_manager(bare, "dnf")
    last = deps(bare, "install", "test").stderr.splitlines()[-1]
    assert {"python3-numpy", "python3-pytest", "libcmocka-devel", "clang-tools-extra"} <= set(last.split())
    assert last.split().count("clang-tools-extra") == 1


def test_only_profiling_needs_perf(bare):
    """Its package has other names on some distributions of apt: an unknown name would stop all the others."""
    add_manager(bare, "dnf")
    words = {group: deps(bare, "install", group).stderr.splitlines()[-1].split()
             for group in ("bench", "test", "profile")}
    assert [group for group, its in words.items() if "perf" in its] == ["profile"]
    assert all({"python3-numpy", "hyperfine"} <= set(its) for its in words.values())


def test_root_installs_with_apt_and_looks_again(bare):
    add_user(bare, 0)
    satisfy(bare)
    (bare / "bin" / "make").unlink()
    script(bare / "bin" / "make-later", "exit 0")
    (bare / "bin" / "mv").symlink_to(shutil.which("mv"))
    add_manager(bare, "apt-get", f'[ "$1" = update ] || mv {bare}/bin/make-later {bare}/bin/make')
    done = deps(bare, "install", "bench")
    assert done.returncode == 0, done.stderr
    assert "installing with apt-get: make" in done.stderr
    update, install = called(bare)
    assert update.startswith("apt-get update")
    assert install.startswith(
        "apt-get install -y") and "--no-install-recommends" in install and install.endswith(" make")


def test_sudo_without_a_password_installs(bare):
    add_user(bare, 1000)
    satisfy(bare)
    (bare / "bin" / "gnuplot").unlink()
    script(bare / "bin" / "sudo", 'shift; exec "$@"')
    script(bare / "bin" / "true", "exit 0")
    add_manager(bare, "apt-get",
                f'echo "exit 0" > {bare}/bin/gnuplot; {shutil.which("chmod")} +x {bare}/bin/gnuplot')
    assert deps(bare, "install", "bench").returncode == 0
    assert called(bare)[-1].endswith(" gnuplot-nox")


def test_an_installation_that_does_not_help_is_an_error(bare):
    add_user(bare, 0)
    satisfy(bare)
    (bare / "bin" / "make").unlink()
    add_manager(bare, "apt-get")
    done = deps(bare, "install", "bench")
    assert done.returncode == 1
    assert "still missing after the installation: make" in done.stderr


def test_no_known_package_manager(bare):
    done = deps(bare, "install", "bench")
    assert done.returncode == 1
    assert "no package manager known" in done.stderr and "python3-numpy" in done.stderr


def test_a_python_that_is_too_old_gets_no_packages(bare):
    add_user(bare, 0)
    add_manager(bare, "apt-get")
    (bare / "usr").mkdir()
    script(bare / "usr" / "python3", 'echo "/usr/bin/python3 old"')
    done = deps(bare, "install", "bench")
    assert done.returncode == 1
    assert "older than 3.11" in done.stderr and "-m venv" in done.stderr.splitlines()[-1]
    assert called(bare) == []


def test_python_first_in_path_without_modules_is_passed_over(bare):
    script(bare / "bin" / "python3", 'echo "/pyenv/python3 numpy rich"')
    script(bare / "bin" / "python3.12", 'echo "/opt/python3.12 "')
    assert deps(bare, "python").stdout == "/opt/python3.12\n"


def test_python_that_has_all_is_preferred_to_one_without_the_tests_modules(bare):
    script(bare / "bin" / "python3", 'echo "/a/python3 pytest"')
    assert deps(bare, "python").stdout == "/a/python3\n"
    script(bare / "bin" / "python3.11", 'echo "/b/python3.11 "')
    assert deps(bare, "python").stdout == "/b/python3.11\n"


def test_muxbench_python_comes_first(bare):
    script(bare / "bin" / "python3", 'echo "/a/python3 "')
    script(bare / "mine", 'echo "/mine "')
    assert deps(bare, "python", MUXBENCH_PYTHON=str(bare / "mine")).stdout == "/mine\n"


def test_no_python_says_what_to_do(bare):
    done = deps(bare, "python")
    assert (done.returncode, done.stdout) == (1, "")
    assert "deps.sh install bench" in done.stderr and "MUXBENCH_PYTHON" in done.stderr


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_list_has_a_line_for_each_need(bare, shell):
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    add_manager(bare, "pacman")
    lines = [line.split("\t") for line in deps(bare, "list", shell=shell).stdout.splitlines()]
    assert {len(line) for line in lines} == {4}
    assert {line[1] for line in lines} == {"bench", "test", "profile"} and {line[2] for line in lines} == {"missing"}
    assert ["jinja2", "bench", "missing", "python-jinja"] in lines


def test_wrong_usage():
    assert real("install").returncode == 2
    assert real("install", "everything").returncode == 2


def test_the_real_interpreter_imports_all():
    python = real("python").stdout.strip()
    modules = "numpy, scipy, pandas, matplotlib, jinja2, jsonschema, rich"
    assert subprocess.run([python, "-P", "-c", f"import {modules}"], cwd="/", timeout=60).returncode == 0


def test_launcher_works_from_anywhere_and_through_a_link(tmp_path):
    (tmp_path / "runner").mkdir()
    (tmp_path / "runner" / "__init__.py").write_text("raise SystemExit('the wrong runner')")
    (tmp_path / "mux").symlink_to(ROOT / "muxbench")
    done = subprocess.run(["./mux", "list"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "smoke" in done.stdout


def test_list_imports_nothing_heavy():
    code = ("import sys; from runner.cli import main; main(['list'])\n"
            "sys.exit(' '.join({'numpy', 'pandas', 'rich', 'jsonschema', 'matplotlib'} & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == ""
