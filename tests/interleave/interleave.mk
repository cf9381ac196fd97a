# The interleaving explorer. Included from the top Makefile; needs nothing but a C compiler.
#
#   make check-interleave         every short scenario, then every mutant
#   make check-interleave-long    the larger bounds as well, as far as LONG_SECONDS allow (0: to their ends)

B ?= build
CC ?= cc

INTERLEAVE_DIR := $(B)/tests/interleave
INTERLEAVE_SOURCES := $(wildcard ring/*.c) $(wildcard tests/interleave/*.c)
INTERLEAVE_OBJECTS := $(INTERLEAVE_SOURCES:%.c=$(INTERLEAVE_DIR)/%.o)
# Optimised whatever CFLAGS say, and never instrumented: the actors' stacks are 8 KiB and are copied.
INTERLEAVE_FLAGS := -std=gnu17 -O2 -g -I. -DRL_EXPLORE -fno-sanitize=all -fcf-protection=none \
	-Wall -Wextra -Wconversion -Wshadow -Wmissing-prototypes
ifeq ($(shell uname -m),x86_64)
INTERLEAVE_FLAGS += -mcx16
else
INTERLEAVE_FLAGS := $(filter-out -fcf-protection=none,$(INTERLEAVE_FLAGS))
endif

$(INTERLEAVE_DIR)/%.o: %.c
	$(call say,CC,$< (explorer))
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(INTERLEAVE_FLAGS) -MMD -MP -c $< -o $@

$(INTERLEAVE_DIR)/interleave: $(INTERLEAVE_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -o $@

-include $(INTERLEAVE_OBJECTS:.o=.d)

# The same explorer over the segments: all of ring/, shm/ and client/ that is shipped, with the operating system
# played by tests/interleave/segments;
# and what of daemon/ knows queues and turns, over a journal that is played too.
SEGMENTS_PRODUCT := $(wildcard ring/*.c) $(filter-out shm/directory.c,$(wildcard shm/*.c)) $(filter-out client/watch%,$(wildcard client/*.c)) \
	$(addprefix daemon/,turn.c pending.c undo.c reserve.c gather.c moved.c written.c aside.c aside_doubt.c ledger.c space.c compact.c known.c recover.c draft.c live.c live_seen.c format.c)
SEGMENTS_SOURCES := $(wildcard tests/interleave/segments/*.c) \
	$(addprefix tests/interleave/,explore.c snapshot.c coroutine.c visited.c main.c)
SEGMENTS_DIR := $(INTERLEAVE_DIR)/segments
SEGMENTS_OBJECTS := $(SEGMENTS_PRODUCT:%.c=$(SEGMENTS_DIR)/%.o) $(SEGMENTS_SOURCES:%.c=$(SEGMENTS_DIR)/%.o)
SEGMENTS_FLAGS := -Itests/interleave/segments $(INTERLEAVE_FLAGS) -Iinclude -D_GNU_SOURCE -U_FORTIFY_SOURCE
SEGMENTS_OS := -include tests/interleave/segments/os.h

$(SEGMENTS_DIR)/tests/%.o: tests/%.c
	$(call say,CC,$< (explorer of segments))
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(SEGMENTS_FLAGS) -MMD -MP -c $< -o $@

$(SEGMENTS_DIR)/%.o: %.c
	$(call say,CC,$< (explorer of segments))
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(SEGMENTS_FLAGS) $(SEGMENTS_OS) -MMD -MP -c $< -o $@

$(INTERLEAVE_DIR)/interleave-segments: $(SEGMENTS_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -o $@

-include $(SEGMENTS_OBJECTS:.o=.d)

# `make check`: all short scenarios, each a test, then each mutant of the protocol.
INTERLEAVE_PROGRAMS := $(INTERLEAVE_DIR)/interleave $(INTERLEAVE_DIR)/interleave-segments
CHECK_DEPS += $(INTERLEAVE_PROGRAMS)
CHECK_BESIDE += $(INTERLEAVE_PROGRAMS) tests/interleave/check-mutants tests/interleave/segments/check-mutants
CHECK_LONG_TARGETS += check-interleave-long

.PHONY: check-interleave check-interleave-long check-interleave-mutants
check-interleave: $(INTERLEAVE_PROGRAMS)
	$(INTERLEAVE_DIR)/interleave
	$(INTERLEAVE_DIR)/interleave-segments
	CC="$(CC)" tests/interleave/mutants.sh $(INTERLEAVE_DIR)

check-interleave-mutants: $(INTERLEAVE_PROGRAMS)
	CC="$(CC)" tests/interleave/mutants.sh $(INTERLEAVE_DIR)

check-interleave-long: $(INTERLEAVE_PROGRAMS)
	$(INTERLEAVE_DIR)/interleave --long --seconds $(call share,50)
	$(INTERLEAVE_DIR)/interleave-segments --long --seconds $(call share,50)

# The explorer itself on aarch64, under qemu: its scenarios that take a few seconds there.
ARM64_SCENARIOS := marks delayed expiry_delete expiry_extend two_consumers sleep_one due
build/arm64/interleave: $(INTERLEAVE_SOURCES) $(wildcard ring/*.h tests/interleave/*.h)
	$(call say,CC,$@ (aarch64))
	@mkdir -p $(@D)
	$(Q)$(ARM64_CC) -std=gnu17 -O2 -I. -DRL_EXPLORE -Wall -Wextra -static -o $@ $(INTERLEAVE_SOURCES)

.PHONY: check-arm64-interleave
check-arm64-interleave: build/arm64/interleave
	$(Q)set -e; for s in $(ARM64_SCENARIOS); do qemu-aarch64 $< --quiet --scenario $$s; done
