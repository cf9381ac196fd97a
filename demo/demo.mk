# The demonstration: `make demo` builds and runs it.
DEMO := $(B)/ringlease-demo

all: $(B)/ringlease-demo
$(B)/ringlease-demo: $(call obj,$(wildcard demo/*.c)) $(B)/libringlease.a
	$(call say,LD,$@)
	$(Q)$(CC) -o $@ $^ $(RL_LDFLAGS) $(LDFLAGS) $(CLIENT_LIBS)
