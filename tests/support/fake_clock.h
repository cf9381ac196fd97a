/* A clock that the test moves, for a whole tree of processes. */
#ifndef TEST_FAKE_CLOCK_H
#define TEST_FAKE_CLOCK_H

#include "kmod-free/clock.h"

/* Sets `words`, in memory shared with the children to come, to a start and makes all clocks of this
 * process and its children read them. */
void fake_clock_start(struct os_clock_words *words);

/* Both clocks go on by `ms`. */
void fake_clock_advance(struct os_clock_words *words, uint64_t ms);

#endif
