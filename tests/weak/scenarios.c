#include "tests/weak/weak.h"

/* Bounds: stale reads and preemptions of one schedule. A fault by order takes one stale read, or two. */
#define STALE(reads)                                                                                               \
	{                                                                                                          \
		.stale = (reads)                                                                                   \
	}
#define STALE_WITH_DATA(reads)                                                                                     \
	{                                                                                                          \
		.stale = (reads), .has_data = true                                                                 \
	}

const struct weak_scenario weak_scenarios[] = {
	{"copy", build_copy, SWITCHES_FREE, {.stale = STALE_FREE, .only_acquires = true}, false},
	{"lease_due", build_lease_due, SWITCHES_FREE, STALE(2), false},
	{"delay_due", build_delay_due, SWITCHES_FREE, STALE(2), false},
	{"hold", build_hold, SWITCHES_FREE, STALE_WITH_DATA(STALE_FREE), false},
	{"view_fence", build_view_fence, SWITCHES_FREE, STALE_WITH_DATA(STALE_FREE), false},
	{"view_barrier", build_view_barrier, SWITCHES_FREE, STALE_WITH_DATA(STALE_FREE), false},
	{"bitmap_strict", NULL, SWITCHES_FREE, STALE(STALE_FREE), false},
	{"due", NULL, 2, STALE(1), false},
	{"bitmap_levels", NULL, 2, STALE(1), false},
	{"forgotten", NULL, 2, STALE(1), false},
	{"expiry_delete", NULL, 2, STALE(1), false},
	{"bitmap", NULL, 2, STALE(1), false},
	{"two_consumers", NULL, 2, STALE_WITH_DATA(1), false},
	{"delayed", NULL, 2, STALE(1), false},
	{"marks", NULL, 2, STALE(1), false},
	{"expiry_extend", NULL, 2, STALE(1), false},
	{"stale_mark", NULL, 2, STALE(1), false},
	{"release", NULL, 2, STALE(1), false},
	{"one_slot_laps", NULL, 2, STALE_WITH_DATA(1), false},
	{"marks_race", NULL, 2, STALE(1), false},
	{"marks_late", NULL, 2, STALE(1), false},
	{"sleep_one", NULL, 2, STALE(1), false},
	{"old_lease", NULL, 2, STALE(1), false},
	{"two_producers", NULL, 2, STALE(1), false},
	{"marks_again", NULL, 1, STALE(1), false},
	{"expiry_lap", NULL, 1, STALE(1), false},
	{"redelivery", NULL, 1, STALE(1), false},
	{"sleep_two", NULL, 1, STALE(1), false},
	{"sleep_old_lease", NULL, 1, STALE(1), false},
	{"sleep_marks", NULL, 1, STALE(1), false},
	{"torn_laps", NULL, 1, STALE(1), false},
	{"torn_marks", NULL, 1, STALE(1), false},
	{"torn_next_lap", NULL, 1, STALE(1), false},
	{"marks_again_long", NULL, 2, STALE(1), true},
	{"redelivery_long", NULL, 2, STALE(1), true},
	{"sleep_two_long", NULL, 2, STALE(1), true},
	{"sleep_old_lease_long", NULL, 2, STALE(1), true},
	{"sleep_marks_long", NULL, 2, STALE(1), true},
	{"torn_marks_long", NULL, 2, STALE(1), true},
	{"torn_next_lap_long", NULL, 2, STALE(1), true},
	{"two_producers_long", NULL, 2, STALE(2), true},
	{"old_lease_long", NULL, 2, STALE(2), true},
	{"two_consumers_long", NULL, 3, STALE_WITH_DATA(2), true},
	{"release_long", NULL, 2, STALE_WITH_DATA(2), true},
	{"marks_race_long", NULL, 2, STALE(2), true},
	{"marks_late_long", NULL, 2, STALE(2), true},
	{"sleep_one_long", NULL, 2, STALE(2), true},
	{"one_slot_laps_long", NULL, 3, STALE_WITH_DATA(2), true},
	{"release_long_3", NULL, 3, STALE(2), true},
	{"marks_race_long_3", NULL, 3, STALE(2), true},
	{"marks_late_long_3", NULL, 3, STALE(2), true},
	{"old_lease_long_3", NULL, 3, STALE(2), true},
	{"sleep_one_long_3", NULL, 3, STALE(2), true},
	{"two_producers_long_3", NULL, 3, STALE(2), true},
	{0},
};
