# Loss of power, deaths of the engine, failures of the disk, in larger numbers; and faults that must be found.
DURABLE_DIR := $(B)/tests/durable
DURABLE_PROGRAMS := $(addprefix $(DURABLE_DIR)/,power_cuts recovery_kills engine_deaths full_disk async_cuts mirrors \
	senders gates retention aside)
CHECK_DEPS += $(DURABLE_DIR)/power_cuts
CHECK_PROGRAMS += "$(DURABLE_DIR)/power_cuts --encrypted --script sends" "$(DURABLE_DIR)/power_cuts --encrypted --script random --seconds 3"
CHECK_LONG_TARGETS += check-durable-long

.PHONY: check-durable-long check-durable-mutants
ENGINE_KILLS := $(B)/tests/crash/engine_kills
FIFO_KILLS := $(B)/tests/crash/fifo_kills
AMID_TURNS := $(B)/tests/crash/amid_turns
check-durable-long: $(DURABLE_PROGRAMS) $(ENGINE_KILLS) $(FIFO_KILLS) check-durable-mutants ## cut the power, kill the engine, fail the disk (long)
	$(Q)$(call run_long,"$(DURABLE_DIR)/power_cuts --seconds $(call share,15)" \
		"$(DURABLE_DIR)/power_cuts --encrypted --seconds $(call share,10)" \
		"$(DURABLE_DIR)/engine_deaths --seconds $(call share,15)" "$(DURABLE_DIR)/full_disk --seconds $(call share,5)" "$(ENGINE_KILLS) --seconds $(call share,10)" \
		"$(FIFO_KILLS) --seconds $(call share,10)" \
		"$(DURABLE_DIR)/async_cuts --seconds $(call share,10)" "$(DURABLE_DIR)/senders --seconds $(call share,10)" \
		"$(DURABLE_DIR)/mirrors --seconds $(call share,10)" "$(DURABLE_DIR)/mirrors --encrypted --seconds $(call share,5)" \
		"$(DURABLE_DIR)/aside --seconds $(call share,5)" "$(DURABLE_DIR)/aside --encrypted --seconds $(call share,5)")

check-durable-mutants: $(DURABLE_PROGRAMS) $(ENGINE_KILLS) $(FIFO_KILLS) $(AMID_TURNS)
	$(Q)BUILD=$(B) CC=$(CC) MUTANT_LIBS="$(ENGINE_LIBS)" tests/durable/mutants.sh
