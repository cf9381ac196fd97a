# Every store of every script, not only a sample, and the engine at every point in every script; as far as
# LONG_SECONDS allow.
CHECK_LONG_TARGETS += check-crash-all check-stop-all

.PHONY: check-crash-all check-stop-all
check-crash-all: $(B)/tests/crash/crash_stores ## kill before every store to a shared word (long)
	$(Q)$(call run_long,"$< --seconds $(LONG_SECONDS)")

check-stop-all: $(B)/tests/crash/stop_stores $(B)/tests/crash/stop_continue ## stop there, and the engine (long)
	$(Q)$(call run_long,"$(B)/tests/crash/stop_stores --seconds $(call share,50)" \
		"$(B)/tests/crash/stop_continue --seconds $(call share,50)")
