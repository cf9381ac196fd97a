.PHONY: check-stress-long
CHECK_LONG_TARGETS += check-stress-long
check-stress-long: $(B)/tests/stress/stress_kill $(B)/tests/stress/stress_threads $(B)/tests/stress/stress_rings \
		$(B)/tests/stress/stress_depth ## random kills for minutes
	$(Q)$(B)/tests/stress/stress_kill --seconds 120
	$(Q)$(B)/tests/stress/stress_threads --seconds 30
	$(Q)$(B)/tests/stress/stress_rings --seconds 20
	$(Q)$(B)/tests/stress/stress_depth 10000000 || [ $$? -eq 77 ]
