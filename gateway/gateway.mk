# ringlease-sqs: the SQS endpoint. A client of the public libraries.
GATEWAY := $(wildcard gateway/*.c)
GATEWAY_LIBS := -lmicrohttpd -ljansson -lxml2 -lyajl
PROGRAMS += $(B)/ringlease-sqs
all: $(B)/ringlease-sqs

$(B)/obj/gateway/%.o: private EXTRA_CFLAGS := -I/usr/include/libxml2
$(B)/ringlease-sqs: $(call obj,$(GATEWAY)) $(B)/libringlease-engine.a $(B)/libringlease.a
$(B)/ringlease-sqs: PROGRAM_LIBS := $(GATEWAY_LIBS)

# For its tests.
$(B)/libgateway.a: $(call obj,$(filter-out gateway/main.c,$(GATEWAY)))
	$(call say,AR,$@)
	@rm -f $@; ar rcs $@ $(filter %.o,$^)
# What lies beside the tests is linked into each.
GATEWAY_HELPERS = $(filter-out tests/gateway/test_%,$(wildcard tests/gateway/*.c))
GATEWAY_TESTS := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/gateway/test_*.c))
CHECK_DEPS += $(GATEWAY_TESTS) $(B)/ringlease-sqs
CHECK_PROGRAMS += $(GATEWAY_TESTS)
$(B)/obj/tests/gateway/%.o: private EXTRA_CFLAGS := -Wno-conversion -I/usr/include/libxml2
$(B)/tests/gateway/%: $(B)/obj/tests/gateway/%.o $(call obj,$(GATEWAY_HELPERS)) $(B)/libgateway.a $(B)/libsupport.a $(B)/libinternal.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(group) $(RL_LDFLAGS) $(LDFLAGS) -lcriterion $(GATEWAY_LIBS) $(ENGINE_LIBS)
# What these tests see, or answer, before it gets where it is meant for.
$(B)/tests/gateway/test_server: private LDFLAGS += $(addprefix -Wl$(comma)--wrap=,rlq_watch_arm handles_get notes_read MHD_suspend_connection \
	MHD_stop_daemon)
$(B)/tests/gateway/test_workers: private LDFLAGS += -Wl,--wrap=handles_open
$(B)/tests/gateway/test_moves_restart: private LDFLAGS += -Wl,--wrap=notes_read
