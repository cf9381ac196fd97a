# Other durable queues: `make bench-peers` alone gets their servers, and unpacks them below $(B)/peers. What is not to be
# had is skipped. Apart from the other benchmarks, which need none of it.
PEERS := $(abspath $(B))/peers
PEERS_LIB := $(firstword $(wildcard $(PEERS)/usr/lib/*-linux-gnu*))
peers_header = $(firstword $(wildcard $(PEERS)/usr/include/$(1) /usr/include/$(1)))
PEERS_LIBS := $(if $(call peers_header,hiredis/hiredis.h),-lhiredis) $(if $(call peers_header,postgresql/libpq-fe.h),-lpq)
PEERS_COMMON := $(filter-out bench/cycle%.c,$(BENCH_COMMON))
PEERS_OBJECTS := $(call obj,$(wildcard bench/peers/*.c))

$(PEERS_OBJECTS): EXTRA_CFLAGS += -DPEERS_FOLDER='"$(PEERS)"' -isystem $(PEERS)/usr/include \
	-isystem $(PEERS)/usr/include/postgresql -isystem /usr/include/postgresql
# Whether there are headers may change.
$(PEERS_OBJECTS): $(wildcard $(PEERS)/unpacked)

# With an rpath that holds for the libraries of the libraries too.
$(B)/bench/peers/peers: $(PEERS_OBJECTS) $(call obj,$(PEERS_COMMON)) $(B)/libringlease-engine.a $(B)/libringlease.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(RL_LDFLAGS) $(LDFLAGS) $(ENGINE_LIBS) \
		$(if $(PEERS_LIB),-L$(PEERS_LIB) -Wl$(comma)--disable-new-dtags$(comma)-rpath$(comma)$(PEERS_LIB)) $(PEERS_LIBS)

# So that they stay in order where nobody measures.
CHECK_DEPS += $(B)/bench/peers/peers $(B)/bench/peers/sqs

# ringlease-sqs beside other local SQS servers.
$(call obj,bench/sqs/peer.c): private EXTRA_CFLAGS += -DPEERS_FOLDER='"$(PEERS)"'
$(B)/bench/peers/sqs: $(call obj,bench/sqs_peers.c $(PEERS_COMMON)) $(BENCH_SQS) $(B)/libringlease-engine.a $(B)/libringlease.a \
		| $(B)/ringlease-sqs
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(RL_LDFLAGS) $(LDFLAGS) $(ENGINE_LIBS) -lmicrohttpd

bench-peers:
	$(Q)scripts/setup demo
	$(Q)scripts/setup-peers $(PEERS)
	$(Q)scripts/setup-sqs-peers $(PEERS)
	$(Q)$(MAKE) $(jobs) --no-print-directory $(B)/bench/peers/peers $(B)/bench/peers/sqs
	$(Q)status=0; for program in peers sqs; do $(B)/bench/peers/$$program --rounds 5 $(BENCH_ARGS) || status=1; done; \
	exit $$status
