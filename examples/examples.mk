# The examples, built and run by `make check`; and what the documents point at.
EXAMPLES := $(patsubst examples/%.c,$(B)/examples/%,$(wildcard examples/*.c))
CHECK_DEPS += $(EXAMPLES)
CHECK_PROGRAMS += examples/check-examples examples/sqs/check-together scripts/check-docs

$(B)/examples/%: $(B)/obj/examples/%.o $(B)/libringlease.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^ $(RL_LDFLAGS) $(LDFLAGS) $(CLIENT_LIBS)
