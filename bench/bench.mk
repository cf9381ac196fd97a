# Benchmarks: `make bench` runs all, `make bench-quick` a tiny run of each that only checks that they
# run and that every message is accounted for. docs/BENCHMARKS.md says how to read them.
BENCH_COMMON := $(addprefix bench/,team.c pair.c hist.c queue.c cycle.c cycle_pair.c)
BENCH_NAMES  := env throughput depth fifo wakeup latency bodies redelivery idle load fair ring_raw disk_floor durable async recovery sqs
BENCH_NAMES  := $(basename $(notdir $(wildcard $(BENCH_NAMES:%=bench/%.c))))
BENCH_PROGRAMS := $(BENCH_NAMES:%=$(B)/bench/%)
BENCH_COMMIT := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)

$(B)/obj/bench/env.o: EXTRA_CFLAGS += -DBENCH_COMMIT='"$(BENCH_COMMIT)"' -DBENCH_CFLAGS='"$(CFLAGS)"'

# What users link, and for ring_raw the ring itself.
$(B)/bench/ring_raw: $(call obj,$(wildcard ring/*.c))
# The same bytes as the journal, by other ways.
$(B)/bench/disk_floor $(B)/bench/durable: $(call obj,bench/floor.c daemon/format.c)
# With the endpoint, and libmicrohttpd for the yardstick.
BENCH_SQS := $(call obj,$(wildcard bench/sqs/*.c))
$(BENCH_SQS): private EXTRA_CFLAGS += -DSQS_PROGRAM='"$(abspath $(B))/ringlease-sqs"'
$(B)/bench/sqs: $(BENCH_SQS) | $(B)/ringlease-sqs
$(B)/bench/sqs: private ENGINE_LIBS += -lmicrohttpd
$(BENCH_PROGRAMS): $(B)/bench/%: $(B)/obj/bench/%.o $(call obj,$(BENCH_COMMON)) $(B)/libringlease-engine.a \
		$(B)/libringlease.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(RL_LDFLAGS) $(LDFLAGS) $(ENGINE_LIBS)

# Drawn by gnuplot where there is one (Debian: gnuplot-nox).
FAIR_POINTS = $(abspath $(B))/fair.points
PLOT_FAIR = if [ -s $(FAIR_POINTS) ] && command -v gnuplot >/dev/null; then \
	gnuplot -e "points='$(FAIR_POINTS)'; out='$(B)/fair.svg'" bench/fair.gnuplot && echo 'plotted $(B)/fair.svg'; \
	else echo 'no gnuplot: the points of fair are in $(FAIR_POINTS)'; fi

.PHONY: bench-build bench-quick
bench-build: $(BENCH_PROGRAMS)

bench:
	$(Q)$(MAKE) $(jobs) --no-print-directory bench-build
	$(Q)set -e; status=0; export BENCH_POINTS=$(FAIR_POINTS); \
	for name in $(BENCH_NAMES); do $(B)/bench/$$name $(BENCH_ARGS) || status=1; done; $(PLOT_FAIR); exit $$status

bench-quick: bench-build ## a tiny run of each benchmark
	$(Q)set -e; for name in $(BENCH_NAMES); do $(B)/bench/$$name --quick; done

CHECK_DEPS += bench-build
CHECK_PROGRAMS += bench/check-quick
