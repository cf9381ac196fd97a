# ringlease: `make help` lists the targets.
#
# Everything is built under $(B). Flavours have a B of their own: SAN=address,undefined (or thread),
# COVERAGE=1, CC=clang. Layers (docs: ARCHITECTURE.md) are folders, their sources found by wildcard.
# Fragments (tests/*/*.mk, bench/*.mk, ...) may add to
#   CHECK_PROGRAMS       commands that `make check` runs, each a test
#   CHECK_BESIDE         those of them that keep one core busy and wait for nothing: run beside the others
#   CHECK_DEPS           what must be built for them
#   CHECK_LONG_TARGETS   targets of `make check-long`; each runs for about LONG_SECONDS, or as long as it takes

.DEFAULT_GOAL := all
SHELL   := /bin/bash
VERSION := $(shell cat VERSION)
MAJOR   := $(firstword $(subst ., ,$(VERSION)))
comma   := ,

ifeq ($(origin CC),default)
CC := gcc
endif
flavour := $(if $(filter clang%,$(notdir $(CC))),-clang)$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(COVERAGE),-coverage)
B ?= build$(if $(flavour),/flavour$(flavour))

PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR     ?= $(PREFIX)/share/man
COMPLETIONSDIR ?= $(PREFIX)/share/bash-completion/completions
UNITDIR    ?= $(PREFIX)/lib/systemd/system

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wmissing-prototypes $(if $(WERROR),-Werror)
CFLAGS   ?= -O2 -g
RL_CFLAGS := -std=gnu17 -D_GNU_SOURCE= -I. -Iinclude -fPIC -fvisibility=hidden -ffunction-sections -pthread \
	-DRL_VERSION='"$(VERSION)"' $(WARNINGS)
RL_LDFLAGS := -pthread
ifneq ($(SAN),)
RL_CFLAGS  += -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined
RL_LDFLAGS += -fsanitize=$(SAN)
ifeq ($(SAN),thread)
RL_CFLAGS  += -DRL_TSAN -mcx16
endif
else
SO_LDFLAGS := -Wl,--gc-sections -Wl,-z,defs -Wl,-z,relro -Wl,-z,now
endif
ifneq ($(COVERAGE),)
# Not optimised: each condition of the source is its own pair of branches, the same ones in every object.
CFLAGS     += -O0 --coverage
RL_LDFLAGS += --coverage
endif

Q    := $(if $(filter 1,$(V)),,@)
say   = @printf '  %-8s %s\n' $(1) '$(2)'
jobs  = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

# ---- sources ------------------------------------------------------------------------------------
# Disks and secrets are the engine's alone: the client library needs neither liburing nor ISA-L (checksums of the
# journal) nor libcrypto (its encryption), but libnettle (SHA-256 of bodies, for FIFO queues); xxHash is a header.
DISK   := $(wildcard kmod-free/uring*.c kmod-free/disk*.c kmod-free/secret.c)
CLIENT := $(filter-out $(DISK),$(wildcard kmod-free/*.c)) $(wildcard ring/*.c shm/*.c client/*.c)
ENGINE := $(DISK) $(filter-out daemon/main.c,$(wildcard daemon/*.c))
TOOLS  := $(wildcard tools/*.c)
CLIENT_LIBS := -lnettle
ENGINE_LIBS := $(if $(wildcard kmod-free/uring*.c),-luring) -lisal -lcrypto $(CLIENT_LIBS)

obj   = $(1:%.c=$(B)/obj/%.o)
lto   = $(1:%.c=$(B)/lto/%.o)
crash = $(1:%.c=$(B)/crash/%.o)

# The layers under the public calls are small functions in many files: optimised as one, a receive costs
# a quarter less. Only for the library itself, and with gcc; tests link the plain objects.
whole := $(if $(or $(SAN),$(COVERAGE),$(filter clang%,$(notdir $(CC)))),,y)
LTO_FLAGS := -O3 -flto=auto
CLIENT_OBJECTS := $(if $(whole),$(B)/libringlease-whole.o,$(call obj,$(CLIENT)))

SO     := $(B)/libringlease.so.$(VERSION)
ENGINE_SO := $(B)/libringlease-engine.so.$(VERSION)
LIBS   := $(SO) $(B)/libringlease.a $(if $(ENGINE),$(ENGINE_SO) $(B)/libringlease-engine.a)
PROGRAMS := $(if $(wildcard daemon/main.c),$(B)/ringleased) $(if $(TOOLS),$(B)/ringlease)

# Plain tests are the files with a main(); what else lies beside them is linked into each. The explorers,
# the fuzzers and the images have rules of their own.
PLAIN_DIRS := $(filter-out $(addprefix tests/,unit cli support interleave weak fuzz images gateway sdk),$(patsubst %/,%,$(wildcard tests/*/)))
has_main  := ^int main\(
plain_of   = $(if $(wildcard $(1)/*.c),$(shell grep -lE '$(has_main)' $(wildcard $(1)/*.c)))
PLAIN   := $(foreach dir,$(PLAIN_DIRS),$(call plain_of,$(dir)))
UNIT    := $(wildcard tests/unit/test_*.c)
SUPPORT := $(filter-out $(if $(COVERAGE),,tests/support/coverage.c),$(wildcard tests/support/*.c))
CLI     := $(wildcard tests/cli/*.sh)
test_of  = $(1:tests/%.c=$(B)/tests/%)

CHECK_PROGRAMS :=
CHECK_BESIDE :=
CHECK_DEPS :=
CHECK_LONG_TARGETS :=
DEMO ?= demo/run-demo
# SEED=N: every random test draws the same again.
export TEST_SEED := $(or $(SEED),$(TEST_SEED))
# For a long target; 0: to the end, where there is one.
LONG_SECONDS ?= 300
share = $$(($(LONG_SECONDS) * $(1) / 100))
run_long = BUILD=$(abspath $(B)) TEST_TIMEOUT=$$(($(LONG_SECONDS) + 300)) scripts/run-tests $(1)

.PHONY: all
all: $(LIBS) $(PROGRAMS) ## build libraries, daemon, command and endpoint (default)

-include $(wildcard tests/*/*.mk bench/*.mk demo/*.mk examples/*.mk gateway/*.mk bindings/*/*.mk)

ifneq ($(COVERAGE),)
# The explorer's own part stays fast; what it walks is counted.
$(INTERLEAVE_DIR)/ring/%.o $(INTERLEAVE_DIR)/tests/interleave/role%.o: private INTERLEAVE_FLAGS += -O0 --coverage
LDFLAGS += --coverage
endif

# ---- compile and link ---------------------------------------------------------------------------
# Remembers the flags, so that other flags build anew.
FLAGS = $(CC) $(CFLAGS) $(RL_CFLAGS) / $(RL_LDFLAGS) $(SO_LDFLAGS) $(LDFLAGS)
$(B)/flags: FORCE
	@mkdir -p $(@D); echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' >$@
.PHONY: FORCE

$(B)/obj/%.o: %.c $(B)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(RL_CFLAGS) $(CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c $< -o $@

$(B)/crash/%.o: %.c $(B)/flags
	$(call say,CC,$< (crash points))
	@mkdir -p $(@D)
	$(Q)$(CC) $(RL_CFLAGS) -DRL_CRASHPOINTS $(CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c $< -o $@

$(B)/lto/%.o: %.c $(B)/flags
	$(call say,CC,$< (whole program))
	@mkdir -p $(@D)
	$(Q)$(CC) $(RL_CFLAGS) $(CFLAGS) $(EXTRA_CFLAGS) $(LTO_FLAGS) -MMD -MP -c $< -o $@
$(B)/libringlease-whole.o: $(call lto,$(CLIENT))
	$(call say,LTO,$@)
	$(Q)$(CC) $(RL_CFLAGS) $(CFLAGS) $(LTO_FLAGS) -flinker-output=nolto-rel -r -o $@ $^

# For tests: all internals, nothing hidden; once more with crash points.
$(B)/libinternal.a: $(call obj,$(CLIENT) $(ENGINE))
$(B)/crash/libinternal.a: $(call crash,$(CLIENT) $(ENGINE))
$(B)/libsupport.a: $(call obj,$(SUPPORT))
$(B)/crash/libsupport.a: $(call crash,$(SUPPORT))
$(B)/libinternal.a $(B)/crash/libinternal.a $(B)/libsupport.a $(B)/crash/libsupport.a:
	$(call say,AR,$@)
	@rm -f $@; mkdir -p $(@D)
	$(Q)ar rcs $@ $(filter %.o,$^)

# The engine library brings its own hidden copy of the internals instead of opening up those of
# libringlease. That is sound because the internals keep no state that a process must have only once:
# segments are shared memory anyway, and liveness keys are told apart by process (kmod-free/liveness.c).
$(SO) $(B)/libringlease.a: $(CLIENT_OBJECTS)
$(ENGINE_SO) $(B)/libringlease-engine.a: $(call obj,$(CLIENT) $(ENGINE))
$(SO): ringlease.map
$(ENGINE_SO): ringlease-engine.map
$(SO): SO_LIBS := $(CLIENT_LIBS)
$(ENGINE_SO): SO_LIBS := $(ENGINE_LIBS)
$(B)/libringlease.a: KEEP := rlq_*
$(B)/libringlease-engine.a: KEEP := rlq_engine_* rlq_journal_*

$(SO) $(ENGINE_SO):
	$(call say,LD,$@)
	@grep -q '^RINGLEASE_$(MAJOR) {' $(filter %.map,$^) || { echo '$(filter %.map,$^) and VERSION disagree' >&2; exit 1; }
	$(Q)$(CC) -shared -o $@ $(filter %.o,$^) $(RL_LDFLAGS) $(SO_LDFLAGS) $(LDFLAGS) $(SO_LIBS) \
		-Wl,-soname,$(basename $(basename $(@F))) -Wl,--version-script=$(filter %.map,$^)
	@ln -sf $(@F) $(basename $(basename $@)); ln -sf $(basename $(basename $(@F))) $(subst .so.$(VERSION),.so,$@)

# One object per archive, in which only the public names are global.
$(B)/libringlease.a $(B)/libringlease-engine.a:
	$(call say,AR,$@)
	$(Q)ld -r -o $(@:.a=.o) $(filter %.o,$^)
	$(Q)objcopy --wildcard $(KEEP:%=--keep-global-symbol='%') $(@:.a=.o)
	$(Q)rm -f $@; ar rcs $@ $(@:.a=.o)

$(B)/ringleased: $(B)/obj/daemon/main.o $(B)/libringlease-engine.a $(B)/libringlease.a
$(B)/ringlease: $(call obj,$(TOOLS)) $(B)/libringlease-engine.a $(B)/libringlease.a
$(B)/ringlease: PROGRAM_LIBS := -ljansson
$(PROGRAMS):
	$(call say,LD,$@)
	$(Q)$(CC) -o $@ $^ $(RL_LDFLAGS) $(LDFLAGS) $(PROGRAM_LIBS) $(ENGINE_LIBS)

# ---- tests --------------------------------------------------------------------------------------
# Support code and internals may need each other (crash points).
group = -Wl,--start-group $^ -Wl,--end-group
# Criterion's macros convert between integers freely.
$(B)/obj/tests/unit/%.o: private EXTRA_CFLAGS := -Wno-conversion
unit_helpers := $(filter-out $(UNIT),$(wildcard tests/unit/*.c))
$(B)/tests/unit/%: $(B)/obj/tests/unit/%.o $(call obj,$(unit_helpers)) $(B)/libsupport.a $(B)/libinternal.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(group) $(RL_LDFLAGS) $(LDFLAGS) -lcriterion $(ENGINE_LIBS)

define plain_rules # folder, flavour of the objects, where their libraries are
$$(B)/tests/$(1)/%: $$(B)/$(2)/tests/$(1)/%.o \
		$$(patsubst %.c,$$(B)/$(2)/%.o,$$(filter-out $$(PLAIN),$$(wildcard tests/$(1)/*.c))) \
		$$(B)/$(3)libsupport.a $$(B)/$(3)libinternal.a
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -o $$@ $$(group) $$(RL_LDFLAGS) $$(LDFLAGS) $$(ENGINE_LIBS)
endef
$(foreach dir,$(notdir $(PLAIN_DIRS)),$(eval $(call plain_rules,$(dir),$(if $(filter crash,$(dir)),crash,obj),$(if $(filter crash,$(dir)),crash/))))
.SECONDARY:

TSAN_DIRS := tests/ring tests/stress
TSAN_ALSO := $(addprefix tests/durable/,async_cuts.c mirrors.c senders.c gates.c)
TESTS := $(if $(filter thread,$(SAN)),$(call test_of,$(filter $(TSAN_DIRS:=/%) $(TSAN_ALSO),$(PLAIN))),$(call test_of,$(PLAIN) $(UNIT)))
STATIC_CHECKS := scripts/check-layers scripts/check-orders scripts/check-headers scripts/check-exports
RUN_TESTS := $(if $(SAN)$(COVERAGE),,$(STATIC_CHECKS)) $(TESTS) $(if $(filter thread,$(SAN)),,$(CLI))

.PHONY: check check-build check-run check-asan check-tsan check-long check-arm64 check-fresh
check: ## install what is missing, build, run all tests
	$(Q)scripts/setup check
ifdef CI
	$(Q)$(MAKE) $(jobs) --no-print-directory WERROR=1 CC=clang CI= check-build
endif
	$(Q)$(MAKE) $(jobs) --no-print-directory $(if $(CI),WERROR=1) CI= check-build
	$(Q)$(MAKE) --no-print-directory $(if $(CI),WERROR=1) CI= check-run

check-build: all $(TESTS) $(if $(SAN)$(COVERAGE),,$(CHECK_DEPS))

check-run: check-build
	$(Q)BUILD=$(abspath $(B)) CC=$(CC) scripts/run-tests $(RUN_TESTS) $(if $(SAN)$(COVERAGE),,$(CHECK_PROGRAMS) --beside $(CHECK_BESIDE))

check-asan: ## tests under AddressSanitizer and UBSan
	$(Q)$(MAKE) $(jobs) --no-print-directory SAN=address,undefined check-build
	$(Q)$(MAKE) --no-print-directory SAN=address,undefined check-run

check-tsan: ## plain tests of threads under ThreadSanitizer (clang; Criterion cannot)
	$(Q)scripts/setup tsan
	$(Q)$(MAKE) $(jobs) --no-print-directory SAN=thread CC=clang check-build
	$(Q)$(MAKE) --no-print-directory SAN=thread CC=clang check-run

ARM64_CC ?= aarch64-linux-gnu-gcc
ARM64_TESTS := $(patsubst tests/ring/%.c,build/arm64/%,$(filter tests/ring/%,$(PLAIN)))
check-arm64: ## ring/, its plain tests and the explorer, built for aarch64, under qemu
	$(Q)scripts/setup arm64
	$(Q)$(MAKE) $(jobs) --no-print-directory $(ARM64_TESTS)
	$(Q)BUILD=$(abspath build/arm64) RUN_WITH=qemu-aarch64 scripts/run-tests $(ARM64_TESTS)
	$(Q)$(MAKE) --no-print-directory check-arm64-interleave

build/arm64/%: tests/ring/%.c $(wildcard ring/*.[ch] tests/support/*.h)
	$(call say,CC,$< (aarch64))
	@mkdir -p $(@D)
	$(Q)$(ARM64_CC) -std=gnu17 -D_GNU_SOURCE -O2 -g -I. -Iinclude $(WARNINGS) -static -pthread -o $@ $< $(wildcard ring/*.c)

# Every part goes on after a failure of another; the page says which. SEED draws the same random tests again.
LONG_MINUTES ?= 40
LONG_PARTS ?= check check-asan check-tsan check-arm64 $(CHECK_LONG_TARGETS)
check-long: ## check, sanitizers, aarch64, long runs; LONG_MINUTES=40 SEED=; a page of it: build/check-long.md
	$(Q)scripts/setup long
	$(Q)MAKE='$(MAKE)' LONG_MINUTES=$(LONG_MINUTES) SEED=$(SEED) scripts/check-long $(LONG_PARTS)

check-fresh: ## demo and check of HEAD in a bare Debian 12 tree
	$(Q)scripts/setup fresh
	$(Q)scripts/check-fresh

.PHONY: demo bench bench-peers
demo: ## install what is missing, build, run the demonstration
	$(Q)scripts/setup demo
	$(Q)$(MAKE) $(jobs) --no-print-directory all
	$(Q)BUILD=$(abspath $(B)) $(DEMO)

bench bench-peers: ## speed: against the floors; against other queues

# ---- install ------------------------------------------------------------------------------------
# One list for both ways: mode:source:destination, or link:target:destination.
INSTALL_LIST := $(foreach h,$(wildcard include/*.h),644:$(h):$(INCLUDEDIR)/$(notdir $(h))) \
	$(foreach l,libringlease $(if $(ENGINE),libringlease-engine), \
		755:$(B)/$(l).so.$(VERSION):$(LIBDIR)/$(l).so.$(VERSION) \
		link:$(l).so.$(VERSION):$(LIBDIR)/$(l).so.$(MAJOR) link:$(l).so.$(MAJOR):$(LIBDIR)/$(l).so \
		644:$(B)/$(l).a:$(LIBDIR)/$(l).a 644:$(B)/$(l:lib%=%).pc:$(LIBDIR)/pkgconfig/$(l:lib%=%).pc) \
	$(foreach p,$(PROGRAMS),755:$(p):$(BINDIR)/$(notdir $(p))) \
	$(foreach m,$(wildcard docs/man/*.[1-8]),644:$(m):$(MANDIR)/man$(subst .,,$(suffix $(m)))/$(notdir $(m))) \
	$(foreach c,$(wildcard completions/*.bash),644:$(c):$(COMPLETIONSDIR)/$(basename $(notdir $(c)))) \
	$(foreach c,ringleased ringlease-sqs,link:ringlease:$(COMPLETIONSDIR)/$(c)) \
	$(foreach u,$(wildcard packaging/*.service),644:$(u):$(UNITDIR)/$(notdir $(u)))

$(B)/%.pc: %.pc.in VERSION FORCE
	@mkdir -p $(@D)
	@sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@INCLUDEDIR@|$(INCLUDEDIR)|; s|@VERSION@|$(VERSION)|' $< >$@

.PHONY: install uninstall
install: all $(patsubst %.pc.in,$(B)/%.pc,$(wildcard *.pc.in)) ## install to $(DESTDIR)$(PREFIX)
	$(Q)set -e; for entry in $(INSTALL_LIST); do IFS=: read -r mode from to <<<"$$entry"; \
		mkdir -p "$(DESTDIR)$$(dirname "$$to")"; \
		if [ $$mode = link ]; then ln -sfn "$$from" "$(DESTDIR)$$to"; \
		else install -m $$mode "$$from" "$(DESTDIR)$$to"; fi; done
	$(call say,INSTALL,$(DESTDIR)$(PREFIX))

uninstall: ## remove what install put there
	$(Q)for entry in $(INSTALL_LIST); do rm -f "$(DESTDIR)$${entry##*:}"; done

# ---- care ---------------------------------------------------------------------------------------
C_FILES = $(shell git ls-files -co --exclude-standard '*.c' '*.h')
.PHONY: format format-check lint coverage clean help
format: ## clang-format all C files
	$(Q)scripts/setup lint
	$(Q)clang-format -i $(C_FILES)

format-check: ## say which files clang-format would change
	$(Q)clang-format --dry-run -Werror $(C_FILES)

# cppcheck reads no header of the system but those that it is told of: the gateway's loops are their macros.
CPPCHECK := cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
	--suppress=missingIncludeSystem --suppress=uninitvar:ring/atomic.h -I. -Iinclude
MACRO_HEADERS := /usr/include/jansson.h $(firstword $(wildcard /usr/include/sys/queue.h /usr/include/*/sys/queue.h))

lint: ## cppcheck and clang-tidy
	$(Q)scripts/setup lint
	$(Q)$(CPPCHECK) $(CLIENT) $(ENGINE) $(TOOLS)
	$(Q)$(CPPCHECK) $(MACRO_HEADERS:%=--include=%) $(GATEWAY)
	$(Q)printf '%s\n' $(CLIENT) $(ENGINE) $(TOOLS) $(GATEWAY) | xargs -P$$(nproc) -I{} \
		clang-tidy --quiet {} -- -std=gnu17 -D_GNU_SOURCE -I. -Iinclude -I/usr/include/libxml2 -DRL_VERSION='""'

# Without what takes its chance (random kills, real races) and with one seed, so that the figures stay, and
# without crash_points, which reaches here what stop_continue does; of the explorer, the short scenarios that
# between them lose every race.
COVERAGE_SCENARIOS := one_slot marks_race death_marks sleep_one bitmap dedup_append dedup_drop_other dedup_free \
	join_pop_stop ask_reuse sweep_held move_far append_look tokens_full
COVERAGE_TESTS = $(filter-out $(addprefix $(B)/tests/,stress/stress_% stress/no_% stress/history_% crash/crash_% crash/stop_stores crash/engine_kills crash/fifo_kills durable/async_cuts),$(TESTS)) \
	$(FUZZ_PROGRAMS) $(CLI)
CHECK_LONG_TARGETS += check-coverage
.PHONY: check-coverage coverage-build coverage-run
check-coverage: coverage
coverage: ## lines and branches of ring/ and shm/ that the tests reach; fails below 95 % and 90 %
	$(Q)scripts/setup check
	$(Q)$(MAKE) $(jobs) --no-print-directory COVERAGE=1 check-build coverage-build
	$(Q)$(MAKE) --no-print-directory COVERAGE=1 coverage-run

coverage-build: $(FUZZ_PROGRAMS) $(INTERLEAVE_DIR)/interleave

coverage-run: export TEST_SEED := 1
coverage-run:
	$(Q)find $(B) -name '*.gcda' -delete
	$(Q)BUILD=$(abspath $(B)) CC=$(CC) scripts/run-tests $(COVERAGE_TESTS) \
		$(COVERAGE_SCENARIOS:%="$(INTERLEAVE_DIR)/interleave --scenario %")
	$(Q)scripts/coverage $(B)

clean: ## remove build/
	$(Q)rm -rf build

help: ## this list
	@printf 'ringlease %s\n\n' '$(VERSION)'
	@sed -nE 's/^([a-z][a-z -]*):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "  %-22s %s\n", $$1, $$2}'
	@printf '\n  V=1 shows commands; SAN=address,undefined|thread, COVERAGE=1, CC=clang, WERROR=1 choose flavours\n'

-include $(shell test -d $(B) && find $(B) -name '*.d')
