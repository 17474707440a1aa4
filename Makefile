# muxbench.  `make help` lists the targets.
#
#   make CC=clang      the other compiler (make clean first, or BUILD=build-clang)
#   make SANITIZE=1    address and undefined-behaviour sanitisers, into its own folder; never measured
#   make V=1           whole command lines

BUILD    ?= $(if $(SANITIZE),build-sanitize,build)
CPPFLAGS  = -D_GNU_SOURCE -MMD -MP
CFLAGS    = -std=c17 -O2 -g -Wall -Wextra -Wpedantic -Wshadow -Wconversion $(SANITIZERS)
LDFLAGS   = $(SANITIZERS)
LDLIBS    = -pthread -lm
SANITIZERS = $(if $(SANITIZE),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all)
comma     = ,
Q         = $(if $(V),,@)

MECHANISMS = select select-wide poll epoll-lt epoll-et
SERVERS    = $(MECHANISMS:%=$(BUILD)/bin/echo-%)
CORE       = $(patsubst %,$(BUILD)/servers/%.o,main echo ledger)

.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL = all

all: $(SERVERS)  ## build the servers

# One rule links every server: the core and its mechanism.
object = $(BUILD)/servers/$(subst -,_,$(1)).o
.SECONDEXPANSION:
$(BUILD)/bin/echo-%: $$(call object,$$*) $(CORE)
	@mkdir -p $(@D)
	@echo "  LD  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC  $@"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
