#!/bin/sh
# What muxbench needs from the system: find it, list it, install it. POSIX sh, because a bare machine has no Python.
#
#   deps.sh python               print the interpreter to use
#   deps.sh install bench|test|profile
#                                install what is missing, or print the one command that does; silent when nothing is
#   deps.sh list                 one line per need: name, group, present or missing, package (separated by tabs)
set -u

# name  group  how it is checked  the packages of apt, dnf, pacman and apk (commas between packages)
needs='
cc           bench compiler            gcc,libc6-dev      gcc,glibc-devel    gcc               gcc,musl-dev,linux-headers
make         bench command make        make               make               make              make
python3      bench python              python3            python3            python            python3
numpy        bench module numpy        python3-numpy      python3-numpy      python-numpy      py3-numpy
scipy        bench module scipy        python3-scipy      python3-scipy      python-scipy      py3-scipy
pandas       bench module pandas       python3-pandas     python3-pandas     python-pandas     py3-pandas
matplotlib   bench module matplotlib   python3-matplotlib python3-matplotlib python-matplotlib py3-matplotlib
jinja2       bench module jinja2       python3-jinja2     python3-jinja2     python-jinja      py3-jinja2
jsonschema   bench module jsonschema   python3-jsonschema python3-jsonschema python-jsonschema py3-jsonschema
rich         bench module rich         python3-rich       python3-rich       python-rich       py3-rich
gnuplot      bench command gnuplot     gnuplot-nox        gnuplot            gnuplot           gnuplot
hyperfine    bench command hyperfine   hyperfine          hyperfine          hyperfine         hyperfine
perf      profile command perf         linux-perf         perf               perf              perf
pytest       test  module pytest       python3-pytest     python3-pytest     python-pytest     py3-pytest
hypothesis   test  module hypothesis   python3-hypothesis python3-hypothesis python-hypothesis py3-hypothesis
flake8       test  module flake8       python3-flake8     python3-flake8     flake8            py3-flake8
cmocka       test  header cmocka.h     libcmocka-dev      libcmocka-devel    cmocka            cmocka-dev
strace       test  command strace      strace             strace             strace            strace
clang        test  command clang       clang              clang              clang             clang
fuzzer       test  fuzzer -            libclang-rt-dev    compiler-rt        compiler-rt       compiler-rt
clang-format test  command clang-format clang-format      clang-tools-extra  clang             clang-extra-tools
clang-tidy   test  command clang-tidy  clang-tidy         clang-tools-extra  clang             clang-extra-tools
cppcheck     test  command cppcheck    cppcheck           cppcheck           cppcheck          cppcheck
ip           test  command ip          iproute2           iproute            iproute2          iproute2
unshare      test  command unshare     util-linux         util-linux         util-linux        util-linux-misc
git          test  command git         git                git                git               git
'
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
system_python=/usr/bin/python3

say() { echo "muxbench: $*" >&2; }

# Reads the table: calls "$1 name group kind what apt dnf pacman apk" for each need.
each_need() {
    while read -r name group kind rest; do
        [ -n "$name" ] || continue
        # shellcheck disable=SC2086  # the columns are words
        case $kind in
        compiler | python) "$1" "$name" "$group" "$kind" - $rest ;;
        *) "$1" "$name" "$group" "$kind" $rest ;;
        esac
    done <<END
$needs
END
}

# ---- the interpreter ------------------------------------------------------------------------------------------------

add_module() { [ "$3" != module ] || [ "$2" != "$wanted" ] || modules="$modules $4"; }

# modules_of bench|test: the modules of that group
modules_of() {
    wanted=$1 modules=''
    each_need add_module
    echo "$modules"
}
bench_modules=$(modules_of bench)
test_modules=$(modules_of test)

# probe PYTHON: prints its full path, then the modules it does not find; "old" if it is older than 3.11.
# Looks for the modules and imports none: fast. Fails if PYTHON does not run at all.
probe() {
    # shellcheck disable=SC2086
    "$1" -c '
import sys
print(sys.executable, end=" ")
if sys.version_info < (3, 11):
    sys.exit(print("old"))
from importlib.util import find_spec
sys.path = [path for path in sys.path if path]
print(*[name for name in sys.argv[1:] if find_spec(name) is None])' $bench_modules $test_modules 2>/dev/null
}

candidates() {
    [ -z "${MUXBENCH_PYTHON-}" ] || echo "$MUXBENCH_PYTHON"
    [ ! -x "$root/.venv/bin/python3" ] || echo "$root/.venv/bin/python3"
    printf '%s\n' python3 $system_python python3.14 python3.13 python3.12 python3.11
}

# any_of "LIST" "WORDS": is any of the words in the list?
any_of() {
    for word in $2; do
        case " $1 " in *" $word "*) return 0 ;; esac
    done
    return 1
}

# pick_python: sets picked to the first candidate that finds all modules, or else to the first that finds those of
# bench, or else to nothing; absent: what the picked one does not find (the system's one if none is picked).
pick_python() {
    picked='' absent=''
    while read -r candidate; do
        found=$(probe "$candidate") || continue
        lacks=${found#* }
        [ "$lacks" != "$found" ] || lacks=''
        case $lacks in
        '') picked=${found%% *} absent='' && return ;;
        old) continue ;;
        esac
        any_of "$lacks" "$bench_modules" || [ -n "$picked" ] || { picked=${found%% *} absent=$lacks; }
    done <<END
$(candidates)
END
    [ -z "$picked" ] || return
    absent=$(probe $system_python) || absent='- nothing'
    absent=${absent#* }
}

print_python() {
    pick_python
    if [ -n "$picked" ]; then
        echo "$picked"
        return
    fi
    say "no Python found that is 3.11 or later and has:$bench_modules"
    say "run $root/runner/deps.sh install bench, or set MUXBENCH_PYTHON to an interpreter that has them"
    return 1
}

# ---- what is there --------------------------------------------------------------------------------------------------

# present KIND WHAT: is it there? (after pick_python)
present() {
    case $1 in
    # A compiler without the C library's headers is no use: gcc alone is that, without its recommendations.
    compiler) echo '#include <stdio.h>' | ${CC:-cc} -E -x c - >/dev/null 2>&1 ;;
    command) command -v "$2" >/dev/null 2>&1 ;;
    header) echo "#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <$2>" | ${CC:-cc} -E -x c - >/dev/null 2>&1 ;;
    # What clang links for -fsanitize=fuzzer is a package of its own.
    fuzzer) echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
        clang -fsanitize=fuzzer -x c -o /dev/null - >/dev/null 2>&1 ;;
    python) [ -n "$picked" ] || { [ "$absent" != nothing ] && [ "$absent" != old ]; } ;;
    module) [ "$absent" != nothing ] && [ "$absent" != old ] && ! any_of "$absent" "$2" ;;
    esac
}

# Sets manager to the package manager of this system, column to its place in the table.
find_manager() {
    manager='' column=0
    for candidate in apt-get:1 dnf:2 pacman:3 apk:4; do
        if command -v "${candidate%:*}" >/dev/null 2>&1; then
            manager=${candidate%:*} column=${candidate#*:}
            return
        fi
    done
}

# package APT DNF PACMAN APK: the packages of this system's manager, or apt's if it is none of these
package() {
    [ "$column" -lt 2 ] || shift $((column - 1))
    echo "$1" | tr , ' '
}

list_need() {
    name=$1 group=$2 kind=$3 what=$4
    shift 4
    if present "$kind" "$what"; then state=present; else state=missing; fi
    printf '%s\t%s\t%s\t%s\n' "$name" "$group" "$state" "$(package "$@")"
}

list_needs() {
    pick_python
    find_manager
    each_need list_need
}

# ---- installing -----------------------------------------------------------------------------------------------------

add_missing() {
    [ "$2" = bench ] || [ "$2" = "$for_group" ] || return 0
    kind=$3 what=$4
    missing_name=$1
    shift 4
    present "$kind" "$what" && return
    names="$names $missing_name"
    for one in $(package "$@"); do
        any_of "$packages" "$one" || packages="$packages $one"
    done
}

# check GROUP: sets names and packages to what is missing
check() {
    for_group=$1 names='' packages=''
    pick_python
    # A python that has all for bench but lacks a test module: the system's gets the whole set, as apt knows no other.
    if [ "$1" = test ] && [ -n "$picked" ] && any_of "$absent" "$test_modules"; then
        picked='' absent=$(probe $system_python) || absent='- nothing'
        absent=${absent#* }
    fi
    each_need add_missing
    [ -z "$names" ]
}

# install_command PREFIX: what installs the packages, with PREFIX (such as sudo) before each command
install_command() {
    case $manager in
    apt-get) echo "${1}apt-get update && ${1}apt-get install -y --no-install-recommends$packages" ;;
    dnf) echo "${1}dnf install -y$packages" ;;
    pacman) echo "${1}pacman -S --needed --noconfirm$packages" ;;
    apk) echo "${1}apk add$packages" ;;
    esac
}

# ask_user: what to run by hand
ask_user() {
    say "missing:$names"
    if [ -z "$manager" ]; then
        say "no package manager known to muxbench (apt-get, dnf, pacman, apk): install by hand what Debian calls$packages"
        return 1
    fi
    say "to install, run:"
    if [ "$(id -u)" -eq 0 ]; then
        install_command ''
    elif command -v sudo >/dev/null 2>&1; then
        install_command 'sudo '
    else
        echo "su -c '$(install_command '')'"
    fi >&2
    return 1
}

# The distribution's python3 is too old: no package helps, its modules are for that version.
python_too_old() {
    say "$system_python is older than 3.11; install a later Python (for example the packages python3.11 and" \
        "python3.11-venv), then run:"
    echo "python3.11 -m venv $root/.venv && $root/.venv/bin/pip install$bench_modules$test_modules" >&2
    return 1
}

install_with_apt() {
    say "installing with apt-get:$packages"
    # A repository that does not answer must not stop the packages that others hold.
    $1 apt-get update -q || say "apt-get update failed; trying to install all the same"
    # shellcheck disable=SC2086
    $1 env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 $packages
}

install_needs() {
    find_manager
    check "$1" && return
    [ "$absent" != old ] || { python_too_old; return; }
    if [ "$manager" != apt-get ]; then
        ask_user
        return
    fi
    if [ "$(id -u)" -eq 0 ]; then
        as_root=''
    elif sudo -n true 2>/dev/null; then
        as_root='sudo -n'
    else
        ask_user
        return
    fi
    install_with_apt "$as_root" >&2
    check "$1" && return
    [ "$absent" != old ] || { python_too_old; return; }
    say "still missing after the installation:$names; see what apt-get said above"
    return 1
}

case "${1-} ${2-}" in
'python ') print_python ;;
'list ') list_needs ;;
'install bench' | 'install test' | 'install profile') install_needs "$2" ;;
*)
    echo "usage: deps.sh python | list | install bench|test|profile" >&2
    exit 2
    ;;
esac
