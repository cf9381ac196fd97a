# Every store of every script, not only a sample.
.PHONY: check-crash-all
CHECK_LONG_TARGETS += check-crash-all
check-crash-all: $(B)/tests/crash/crash_stores ## kill before every store to a shared word (long)
	$(Q)$< --seconds 0
