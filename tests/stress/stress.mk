.PHONY: check-stress-long
CHECK_LONG_TARGETS += check-stress-long
STRESS_LONG := stress_kill stress_threads stress_rings stress_bodies stress_depth
check-stress-long: $(STRESS_LONG:%=$(B)/tests/stress/%) ## random kills for minutes, a queue of 10 million messages (long)
	$(Q)$(call run_long,"$(B)/tests/stress/stress_kill --seconds $(call share,60)" \
		"$(B)/tests/stress/stress_threads --seconds $(call share,10)" \
		"$(B)/tests/stress/stress_rings --seconds $(call share,5)" \
		"$(B)/tests/stress/stress_bodies --seconds $(call share,10)" \
		"$(B)/tests/stress/stress_depth 10000000")
