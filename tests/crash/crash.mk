# Every store of every script, not only a sample; as many as LONG_SECONDS allow.
CHECK_LONG_TARGETS += check-crash-all check-stop-all

.PHONY: check-crash-all check-stop-all
check-crash-all: $(B)/tests/crash/crash_stores ## kill before every store to a shared word (long)
	$(Q)$< --seconds $(LONG_SECONDS)

check-stop-all: $(B)/tests/crash/stop_stores ## stop before every store to a shared word (long)
	$(Q)$< --seconds $(LONG_SECONDS)
