# muxbench.  `make help` lists the targets.
#
#   make CC=clang BUILD=build-clang   the other compiler
#   make SANITIZE=address,undefined   sanitisers (or thread), in a folder of its own, never measured
#   make V=1                          whole command lines

# The fuzzers need clang's libFuzzer, and code that tells it which way it went.
ifneq ($(filter fuzz,$(MAKECMDGOALS)),)
CC         = clang
SANITIZE   = fuzzer-no-link,address,undefined
BUILD      = build-fuzz
endif

BUILD     ?= build$(if $(SANITIZE),-$(firstword $(subst $(comma), ,$(SANITIZE))))
CPPFLAGS   = -D_GNU_SOURCE -MMD -MP
CFLAGS     = -std=c17 -O2 -g -Wall -Wextra -Wpedantic -Wshadow -Wconversion $(HARD_FLAGS) $(SANITIZERS) $(CFLAGS_EXTRA)
LDFLAGS    = $(HARD_LINKS) $(SANITIZERS)
LDLIBS     = -pthread -lm
# What they cost: docs/reliability.md.  The sanitisers bring checks of their own.  Many compilers have some of these
# by default, so HARDENING=no says each of them.
HARDENING  = $(if $(SANITIZE),,yes)
ifeq ($(HARDENING),yes)
HARD_FLAGS = -fPIE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
HARD_LINKS = -pie -Wl,-z,relro,-z,now
else ifeq ($(HARDENING),no)
HARD_FLAGS = -fno-pie -fno-stack-protector -U_FORTIFY_SOURCE
HARD_LINKS = -no-pie -Wl,-z,norelro,-z,lazy
endif
SANITIZERS = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all)
comma      = ,
Q          = $(if $(V),,@)

MECHANISMS = select select-wide poll epoll-lt epoll-et
WAITS      = $(MECHANISMS) ppoll none
SERVERS    = $(MECHANISMS:%=$(BUILD)/bin/echo-%)
WAITCOSTS  = $(WAITS:%=$(BUILD)/bin/waitcost-%)
PROGRAMS   = $(SERVERS) $(BUILD)/bin/loadgen $(WAITCOSTS)
CORE       = $(patsubst %,$(BUILD)/servers/%.o,main echo ledger)
LOADGEN    = $(patsubst %.c,$(BUILD)/%.o,$(wildcard loadgen/*.c)) $(BUILD)/servers/ledger.o
# One wait without a server: its core is all of waitcost/ but the mechanisms' pages.
WAITCORE   = $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(WAITS:%=waitcost/%.c) $(subst -,_,$(WAITS:%=waitcost/%.c)), \
             $(wildcard waitcost/*.c))) $(patsubst %,$(BUILD)/loadgen/%.o,fields record units values)
UNITS      = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
UNITS_OF   = $(BUILD)/servers/echo.o $(filter-out %/main.o,$(LOADGEN)) $(patsubst %,$(BUILD)/waitcost/%.o,fuse places)
# A claim is one file; what they share is all else in claims/, and the FUSE counter.
CLAIMS     = $(patsubst %.c,$(BUILD)/%,$(wildcard claims/[a-e][0-9][0-9]-*.c))
CLAIMCORE  = $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(CLAIMS:$(BUILD)/%=%.c),$(wildcard claims/*.c))) \
             $(patsubst %,$(BUILD)/%.o,waitcost/fuse waitcost/kinds loadgen/fields)
FAULTS     = $(BUILD)/tests/fault.so
BROKEN     = $(patsubst tests/broken/%.c,$(BUILD)/tests/broken/echo-%,$(wildcard tests/broken/*.c))
FUZZERS    = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
C_FILES    = $(wildcard $(addsuffix /*.[ch],servers loadgen waitcost claims tests/unit tests/faults tests/broken tests/fuzz))

# The goals that install what they need first; a plain `make` only compiles.
NEEDS = $(if $(filter test torture soak fuzz lint validate%,$(MAKECMDGOALS)),deps-test,$(if $(filter bench% hardening reproduce% profile claims%,$(MAKECMDGOALS)),deps))

.DELETE_ON_ERROR:
.SECONDARY:
.SECONDEXPANSION:
.DEFAULT_GOAL = all
.PHONY: FORCE all bench bench-quick bench-full report claims claims-timing claims-readme reproduce reproduce-quick profile deps-profile test torture reliability soak fuzz hardening lint validate \
        validate-exact deps deps-test clean help

all: $(PROGRAMS) $(CLAIMS)  ## build the servers, the load generator, waitcost and the claims

bench: $(PROGRAMS)  ## the main job, in about 6 minutes: measure, draw, report
	./muxbench run scenarios/cpu.toml scenarios/idle.toml scenarios/lan.toml --blocks 3

bench-quick: $(PROGRAMS)  ## the same in a minute: exploratory
	./muxbench run scenarios/cpu.toml scenarios/idle.toml scenarios/lan.toml --quick --blocks 1

bench-full: $(PROGRAMS)  ## with share, and 10 blocks, in about 35 minutes and reruns: for publishing
	./muxbench run scenarios/cpu.toml scenarios/idle.toml scenarios/lan.toml scenarios/share.toml --blocks 10 --reruns 3

claims: $(CLAIMS)  ## what is said of select, poll and epoll, put to the test on this machine, in seconds
	./muxbench claims

claims-timing: $(CLAIMS)  ## the claims about speed, in half a minute on a calm machine
	./muxbench claims --timing

claims-readme:  ## write claims/README.md from the files there
	$$(runner/deps.sh python) -m plots.claims

reproduce: $(PROGRAMS)  ## the classic plots on this machine, beside the published ones, in at most 20 minutes
	$(CLASSICS)

reproduce-quick: $(PROGRAMS)  ## the same in 2 minutes: exploratory
	$(CLASSICS) --quick

# Only the shares of CPU in p11-counts need perf.
define CLASSICS
$(Q)$(MAKE) --no-print-directory deps-profile || echo 'muxbench: going on without perf' >&2
./muxbench run scenarios/classics/*.toml
endef

MECHANISM = poll
CONNECTIONS = 1000
profile: $(PROGRAMS) | deps-profile  ## where a server's time goes, as a flame graph: MECHANISM=poll CONNECTIONS=1000
	./muxbench profile $(MECHANISM) --connections $(CONNECTIONS) $(if $(ACTIVE),--active $(ACTIVE)) $(if $(RATE),--rate $(RATE))

RUN = results/latest
report:  ## draw figures and report again from the samples of RUN=results/latest
	./muxbench report $(RUN)

# Sanitised: what runs the programs that were built so.  The threads are the generator's and waitcost's.
TESTS = $(if $(SANITIZE),$(wildcard tests/test_loadgen*.py),tests) \
        $(if $(filter address%,$(SANITIZE)),$(wildcard tests/test_servers*.py tests/test_waitcost*.py tests/test_torture.py tests/test_claims.py)) \
        $(if $(filter thread,$(SANITIZE)),tests/test_waitcost.py)
test: $(PROGRAMS) $(if $(filter thread,$(SANITIZE)),,$(CLAIMS)) $(UNITS) $(BROKEN) $(if $(SANITIZE),,$(FAULTS))  ## unit tests, and tests of the programs; sanitised: SANITIZE=thread
	$(Q)for unit in $(UNITS); do echo "$$unit"; $$unit || exit 1; done
	MUXBENCH_BUILD=$(BUILD) $$(runner/deps.sh python) -m pytest -q $(TESTS)

SECONDS = 20
fuzz: $(FUZZERS)  ## feed the C parsers and the echo core what libFuzzer finds, SECONDS=20 each
	$(Q)[ "$(SECONDS)" -ge 1 ] 2>/dev/null || { echo 'SECONDS=$(SECONDS): give whole seconds from 1 on' >&2; exit 2; }
	$(Q)for fuzzer in $(FUZZERS); do \
	    echo "$$(basename $$fuzzer), $(SECONDS) s"; \
	    corpus=$(BUILD)/corpus/$$(basename $$fuzzer) log=$$fuzzer.log; mkdir -p $$corpus; \
	    $$fuzzer -max_total_time=$(SECONDS) -timeout=5 -print_final_stats=1 -artifact_prefix=$(BUILD)/ \
	        $$corpus >$$log 2>&1 || { cat $$log; exit 1; }; \
	    sed -n "s#^stat::number_of_executed_units: *#    nothing found; inputs tried: #p" $$log; \
	done

VALIDATE = MUXBENCH_BUILD=$(BUILD) $$(runner/deps.sh python) -m tests.validate $(if $(ROWS),--rows $(ROWS))
validate: $(PROGRAMS) $(UNITS) $(FAULTS)  ## every check of METHOD.md against faults made on purpose, in about 4 minutes (some: ROWS=2,3)
	$(VALIDATE)

validate-exact: $(PROGRAMS) $(UNITS) $(FAULTS)  ## the part of it that holds without timing, in a minute
	$(VALIDATE) --exact

torture: $(PROGRAMS) $(BROKEN)  ## hostile clients against all servers, in at most 5 minutes
	MUXBENCH_BUILD=$(BUILD) $$(runner/deps.sh python) -m tests.torture

reliability:  ## write docs/reliability.md from the last `make torture` and `make soak`
	$$(runner/deps.sh python) -m tests.torture.document $(BUILD)/torture.json $(BUILD)/soak.json

MINUTES = 30
soak: $(PROGRAMS)  ## all servers under churning, idle and active connections for MINUTES=30: leaks, drift, errors
	MUXBENCH_BUILD=$(BUILD) $$(runner/deps.sh python) -m tests.soak --minutes $(MINUTES)

hardening: $(PROGRAMS)  ## what the hardening flags cost: each server beside itself without them, in about 3 minutes
	$(MAKE) HARDENING=no BUILD=build-plain
	trap 'rm -f $(BUILD)/bin/echo-*:plain' EXIT; trap 'exit 130' INT TERM; \
	for one in $(MECHANISMS); do cp build-plain/bin/echo-$$one $(BUILD)/bin/echo-$$one:plain; done; \
	./muxbench run tests/hardening.toml

lint: deps-test  ## clang-format, clang-tidy, cppcheck, flake8
	clang-format --dry-run --Werror $(C_FILES)
	printf '%s\n' $(filter %.c,$(C_FILES)) | \
	    xargs -P 2 -n 4 sh -c 'clang-tidy --quiet "$$@" -- -std=c17 $(filter -D%,$(CPPFLAGS))' sh 2>/dev/null
	cppcheck --quiet --std=c11 --enable=warning,style,performance,portability --error-exitcode=1 \
	    $(filter -D%,$(CPPFLAGS)) servers loadgen waitcost claims tests/broken
	$$(runner/deps.sh python) -m flake8 runner plots tests

deps:  ## install what `make bench` needs, if anything is missing
	$(Q)runner/deps.sh install bench

deps-profile: deps
	$(Q)runner/deps.sh install profile

deps-test: deps
	$(Q)runner/deps.sh install test

clean:  ## remove all builds, keep all results
	rm -rf build build-*

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile
	@sed -n 's/^#   make /  make /p' Makefile

# One rule links every server: the core and its mechanism.
$(BUILD)/bin/echo-%: $(BUILD)/servers/$$(subst -,_,$$*).o $(CORE)
	$(link)

$(BUILD)/bin/loadgen: $(LOADGEN)
	$(link)

$(BUILD)/bin/waitcost-%: $(BUILD)/waitcost/$$(subst -,_,$$*).o $(WAITCORE)
	$(link)

$(CLAIMS): $(BUILD)/claims/%: $(BUILD)/claims/%.o $(CLAIMCORE)
	$(link)

$(UNITS): LDLIBS += -lcmocka
$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(UNITS_OF)
	$(link)

# Faults made on purpose, to be put in front of a program's libc.
$(BUILD)/tests/faults/%.o: private CFLAGS += -fPIC
$(FAULTS): private LDFLAGS += -shared
$(FAULTS): $(BUILD)/tests/faults/fault.o
	$(link)

# Servers with one fault each.  What the file defines stands in for what the good parts define (muldefs: the first
# counts); a file without a serve() has its fault in the core and waits with poll, from an archive: there the linker
# takes only what is missing.
$(BUILD)/tests/broken/echo-%: private LDFLAGS += -Wl,-z,muldefs
$(BUILD)/tests/broken/echo-%: $(BUILD)/tests/broken/%.o $(CORE) $(BUILD)/servers/poll.a
	$(link)

$(BUILD)/servers/poll.a: $(BUILD)/servers/poll.o
	$(Q)$(AR) rcs $@ $^

# What fuzzers share: exit() that comes back, mapped ledgers, the model of the echo core (of a unit test, too).
FUZZ = $(BUILD)/tests/fuzz
$(FUZZ)/fuzz_options $(FUZZ)/fuzz_server_options: $(FUZZ)/caught.o
$(FUZZ)/fuzz_options $(FUZZ)/fuzz_ledger: $(FUZZ)/pages.o
$(FUZZ)/fuzz_echo $(BUILD)/tests/unit/test_echo_model: $(addprefix $(FUZZ)/,fake_sockets.o echo_model.o script.o)
$(FUZZERS): private LDFLAGS += -fsanitize=fuzzer
$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(UNITS_OF)
	$(link)

define link
@mkdir -p $(@D)
@echo "  LD  $@"
$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
endef

# The servers have no threads, and the thread sanitiser would hold their signals back: it does not know that select(2)
# waits, and runs handlers only around the calls that it knows.
ifeq ($(SANITIZE),thread)
$(SERVERS) $(BROKEN) $(BUILD)/servers/%.o $(BUILD)/tests/broken/%.o: private SANITIZERS =
endif

# Another compiler or other flags build everything anew.
$(BUILD)/flags: FORCE | $(NEEDS)
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' | cmp -s - $@ || echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' > $@

$(BUILD)/%.o: %.c $(BUILD)/flags | $(NEEDS)
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
