# Random scripts against the model: `make check` plays those of standard queues as it does every program of the
# folder; and here those of FIFO queues, and those
# that have found a fault once.
MODEL_DIR := $(B)/tests/model
CHECK_DEPS += $(MODEL_DIR)/histories
CHECK_BESIDE += "$(MODEL_DIR)/histories --type fifo" "$(MODEL_DIR)/histories --again $(wildcard tests/model/scripts/*)"
CHECK_LONG_TARGETS += check-model-long

.PHONY: check-model-long
check-model-long: $(MODEL_DIR)/histories ## random scripts against a model of a queue (long)
	$(Q)$(call run_long,"$< --count 1000000000 --seconds $(call share,50)" \
		"$< --type fifo --count 1000000000 --seconds $(call share,50)")
