"""Stacks and shares, from what perf printed of a server: tests/data/perf-script.txt, recorded on x86-64, with four
samples made by hand at its end (a kernel without symbols, arm64, an interrupt, another process)."""
import re

import pytest
from conftest import ROOT
from hypothesis import given, strategies as st
from scipy.stats import binomtest

from runner import stacks

TEXT = (ROOT / "tests" / "data" / "perf-script.txt").read_text()
SAMPLES = list(stacks.read(TEXT))
SERVER, ALL = 4242, [(0, 10**12)]
COUNTS = {"wait": 4, "ctl": 1, "read": 3, "write": 2, "accept_close": 2, "user": 1, "other": 1}


def test_every_sample_is_read():
    assert len(SAMPLES) == 15
    assert SAMPLES[1].time_ns == 100_001_500_000 and SAMPLES[1].pid == SERVER
    assert SAMPLES[1].frames == (
        "_start", "__libc_start_main@@GLIBC_2.34", "__libc_start_call_main", "main", "serve", "__poll",
        "entry_SYSCALL_64_after_hwframe_[k]", "do_syscall_64_[k]", "__x64_sys_poll_[k]", "do_sys_poll_[k]")


def test_each_system_call_gets_its_samples():
    profile = stacks.profile(SAMPLES, SERVER, ALL, "echo-poll")
    assert profile.counts == COUNTS and profile.samples == 14 and profile.receiving == 1
    assert profile.columns() == pytest.approx({
        "wait_percent": 400 / 14, "ctl_percent": 100 / 14, "read_percent": 300 / 14, "write_percent": 200 / 14,
        "profile_samples": 14})


def test_the_shares_are_100_percent_together():
    counts = stacks.profile(SAMPLES, SERVER, ALL, "echo-poll").counts
    assert sum(stacks.share(count, 14)[0] for count in counts.values()) == pytest.approx(100)


def test_a_server_gets_its_own_samples():
    profile = stacks.profile(SAMPLES, 4243, ALL, "echo-epoll-lt")
    assert profile.counts == dict.fromkeys(stacks.KINDS, 0) | {"user": 1}
    assert profile.folded() == "echo-epoll-lt;serve 1\n"


def test_only_slices_count():
    profile = stacks.profile(SAMPLES, SERVER, [(100_001_500_000, 100_002_500_000),
                                               (100_021_000_000, 100_022_000_000)], "echo-poll")
    assert profile.counts == dict.fromkeys(stacks.KINDS, 0) | {"wait": 2}


def test_without_samples_no_share_is_known():
    profile = stacks.profile(SAMPLES, 1, ALL, "echo-poll")
    assert profile.columns() == dict.fromkeys((f"{kind}_percent" for kind in stacks.COLUMNS)) | {"profile_samples": 0}
    assert profile.folded() == ""


@pytest.mark.parametrize("frames, kind", [
    (("serve",), "user"), (("serve", "__poll"), "user"), ((), "other"),
    (("serve", "__select", "__x64_sys_pselect6_[k]"), "wait"), (("x", "__x64_sys_epoll_wait_[k]"), "wait"),
    (("x", "__arm64_sys_epoll_pwait_[k]", "schedule_[k]"), "wait"), (("x", "__riscv_sys_epoll_ctl_[k]"), "ctl"),
    (("x", "sys_sendto_[k]"), "write"), (("x", "__x64_sys_read_[k]", "tcp_recvmsg_[k]"), "read"),
    (("x", "__x64_sys_setsockopt_[k]", "do_poll_[k]"), "other"),
    (("serve", "__GI___libc_send", "entry_SYSCALL_64_[k]"), "write"), (("serve", "poll@@GLIBC_2.2.5", "x_[k]"), "wait"),
    (("serve", "connection_turn", "asm_exc_page_fault_[k]"), "other"), (("entry_SYSCALL_64_[k]",), "other"),
    (("poll", "serve", "accept4", "__x64_sys_accept4_[k]"), "accept_close")])
def test_the_call_is_told_by_the_entry_or_else_by_the_caller(frames, kind):
    assert stacks.kind(frames) == kind


def test_every_frame_of_a_kernel_without_symbols_is_one():
    hidden = next(sample for sample in SAMPLES if stacks.HIDDEN in sample.frames)
    assert hidden.frames == ("serve", "__libc_recv", "[unknown]_[k]")


def test_a_library_without_symbols_is_named():
    text = TEXT.replace("__libc_start_call_main (", "[unknown] (").replace("_start (/home", "[unknown] ([unknown]")
    names = {name for sample in stacks.read(text) for name in sample.frames}
    assert "[libc.so.6]" in names and "__libc_start_call_main" not in names


def test_folded_stacks_are_as_other_tools_read_them():
    samples = [*SAMPLES, stacks.Sample(SERVER, 1, ("odd; name 7",))]
    lines = stacks.profile(samples, SERVER, ALL, "echo-poll").folded().splitlines()
    parsed = [re.fullmatch(r"([^;]+(?:;[^;]+)*) ([0-9]+)", line) for line in lines]
    assert all(parsed) and sum(int(one[2]) for one in parsed) == 15
    assert all(one[1].split(";")[0] == "echo-poll" for one in parsed)
    assert "echo-poll;odd: name 7 1" in lines
    assert any(one[1].endswith("__x64_sys_poll_[k];do_sys_poll_[k]") and one[2] == "2" for one in parsed)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_is_wilsons(counted):
    percent, low, high = stacks.share(*counted)
    wilson = binomtest(*counted).proportion_ci(0.95, "wilson")
    assert (low, high) == pytest.approx((100 * wilson.low, 100 * wilson.high), abs=1e-4)
    assert 0 <= low <= percent + 1e-9 and percent - 1e-9 <= high <= 100


@given(st.text() | st.lists(st.sampled_from(TEXT.splitlines() + ["", "\t ffff x (", " 1 2.3:"])).map("\n".join))
def test_any_text_is_read(text):
    for sample in stacks.read(text):
        assert stacks.kind(sample.frames) in stacks.KINDS
