# The checker of memory orders: ring/ and the explorer's scenarios over a model of C11. Included from the top
# Makefile; needs nothing but a C compiler.

WEAK_DIR := $(B)/tests/weak
WEAK_SOURCES := $(wildcard ring/*.c) $(filter-out %/main.c,$(wildcard tests/interleave/*.c)) $(wildcard tests/weak/*.c)
WEAK_OBJECTS := $(WEAK_SOURCES:%.c=$(WEAK_DIR)/obj/%.o)
# As the explorer; each operation is a macro around itself, whose locals hide those of another.
WEAK_FLAGS := $(filter-out -Wconversion -Wshadow,$(INTERLEAVE_FLAGS)) -DRL_WEAK -Wno-unused-value -include tests/weak/sites.h

$(WEAK_DIR)/obj/%.o: %.c
	$(call say,CC,$< (memory orders))
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(WEAK_FLAGS) -MMD -MP -c $< -o $@

$(WEAK_DIR)/weak: $(WEAK_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $^ -o $@

-include $(WEAK_OBJECTS:.o=.d)

# `make check`: litmus tests and short scenarios, then each order taken away.
CHECK_DEPS += $(WEAK_DIR)/weak
CHECK_BESIDE += $(WEAK_DIR)/weak tests/weak/check-table
CHECK_LONG_TARGETS += check-weak-long

.PHONY: check-weak check-weak-long
check-weak: $(WEAK_DIR)/weak
	$(WEAK_DIR)/weak
	$(WEAK_DIR)/weak --table tests/weak/orders.list

check-weak-long: $(WEAK_DIR)/weak
	$(WEAK_DIR)/weak --long --seconds $(LONG_SECONDS)
