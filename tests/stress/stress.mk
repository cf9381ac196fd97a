.PHONY: check-stress-long
CHECK_LONG_TARGETS += check-stress-long
check-stress-long: $(B)/tests/stress/stress_kill $(B)/tests/stress/stress_threads ## random kills for minutes
	$(Q)$(B)/tests/stress/stress_kill --seconds 120
	$(Q)$(B)/tests/stress/stress_threads --seconds 30
