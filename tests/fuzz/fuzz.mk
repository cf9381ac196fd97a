# Fuzz harnesses. `make check` replays each over a short seeded run; `make fuzz FUZZ=segment` builds one
# with libFuzzer (clang) and runs it for FUZZ_SECONDS.
FUZZERS := $(basename $(notdir $(filter-out tests/fuzz/fuzz_main.c,$(wildcard tests/fuzz/fuzz_*.c))))
FUZZ ?= segment
FUZZ_SECONDS ?= 60

FUZZ_PROGRAMS := $(FUZZERS:%=$(B)/tests/fuzz/%)
CHECK_PROGRAMS += $(FUZZ_PROGRAMS)
CHECK_DEPS += $(FUZZ_PROGRAMS)

$(FUZZ_PROGRAMS): $(B)/tests/fuzz/%: $(B)/obj/tests/fuzz/%.o $(B)/obj/tests/fuzz/fuzz_main.o $(B)/libsupport.a $(B)/libinternal.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(group) $(RL_LDFLAGS) $(LDFLAGS) $(FUZZ_LIBS) $(ENGINE_LIBS)

# Those of the SQS endpoint.
FUZZ_GATEWAY := query json sigv4 policy
fuzz_gateway := $(FUZZ_GATEWAY:%=$(B)/tests/fuzz/fuzz_%)
$(fuzz_gateway): $(B)/libgateway.a
$(fuzz_gateway): private FUZZ_LIBS = $(GATEWAY_LIBS)
$(fuzz_gateway:$(B)/%=$(B)/obj/%.o): private EXTRA_CFLAGS := -I/usr/include/libxml2

.PHONY: fuzz
fuzz: ## libFuzzer on FUZZ=segment|receipt|journal|query|json|sigv4|policy for FUZZ_SECONDS=60
	@mkdir -p build/fuzz/corpus-$(FUZZ)
	$(call say,FUZZ,$(FUZZ))
	$(Q)clang $(RL_CFLAGS) -I/usr/include/libxml2 -O1 -g -fsanitize=fuzzer,address,undefined \
		-o build/fuzz/fuzz_$(FUZZ) tests/fuzz/fuzz_$(FUZZ).c $(SUPPORT) $(CLIENT) $(ENGINE) \
		$(if $(filter $(FUZZ_GATEWAY),$(FUZZ)),$(filter-out gateway/main.c,$(GATEWAY)) $(GATEWAY_LIBS)) \
		-pthread $(ENGINE_LIBS)
	$(Q)build/fuzz/fuzz_$(FUZZ) -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=4096 build/fuzz/corpus-$(FUZZ)

# Bits flipped in live segments, and the harnesses.
.PHONY: check-damage-long
CHECK_LONG_TARGETS += check-damage-long
check-damage-long: $(B)/tests/bad-input/flips $(FUZZ_PROGRAMS) ## flip bits in live segments, fuzz (long)
	$(Q)$(call run_long,"$(B)/tests/bad-input/flips --seconds $(call share,45)" \
		"$(B)/tests/fuzz/fuzz_segment --seconds $(call share,25)" \
		"$(B)/tests/fuzz/fuzz_journal --seconds $(call share,10)" \
		"$(B)/tests/fuzz/fuzz_receipt --seconds $(call share,8)" \
		$(foreach fuzzed,$(FUZZ_GATEWAY),"$(B)/tests/fuzz/fuzz_$(fuzzed) --seconds $(call share,3)"))
