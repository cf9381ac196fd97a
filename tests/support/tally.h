/* What a test has done, in numbers that scripts/tally adds up over programs: a line of pairs
 *
 *   tally: NAME NUMBER [NAME NUMBER]...
 *
 * Of a name that ends in _max the greatest counts, of all others the sum. In use:
 *
 *   schedules, states   that ended, that were walked, by the explorer
 *   images              of memory that were judged, each once
 *   kills, stops        of real processes, by SIGKILL and by SIGSTOP
 *   fifo_kills, fifo_stops  those, and cuts of the power, that FIFO queues were judged after; some count as kills
 * too flips, fuzz_runs    bits flipped in live segments, inputs of a fuzz harness journal_flips       bits flipped
 * in journals at rest mutants             that were caught; mutants_stuck: whose call that never returned was named
 *   power_cuts          of the shadow disk, each followed by a recovery that was judged
 *   recovery_cuts       that came amid a recovery or soon after it
 *   async_cuts          amid turns that never cease
 *   recovery_kills      of an engine amid its recovery, after each call of its disk
 *   adoption_kills      of one that takes over the journal of another machine, in the same way
 *   engine_deaths       over queues that stay in memory
 *   disk_errors         calls of the disk that failed, stopped short or were interrupted, once or for good
 *                       These five end in _plain or _queued: writes one after the other, or several under way
 *   engine_kills        of a real process that journals, by _plain calls and by io_uring (_uring)
 *   messages            sent in a stress run
 *   scripts_standard    of calls, that were played beside the model; scripts_fifo: on a FIFO queue
 *   unreached           cases that the time did not reach
 *   losses, stuck       messages lost; calls over their bound of steps, and cases that hung
 *   steps_max           of one call, beside somebody dead or stopped
 *   reap_steps_max      of one that reaps as well */
#ifndef TEST_TALLY_H
#define TEST_TALLY_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

static inline void tally(const char *name, uint64_t number)
{
	printf("tally: %s %" PRIu64 "\n", name, number);
}

#endif
