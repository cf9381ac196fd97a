/* What came of a campaign: a line a script, and the sums. */
#ifndef TEST_IMAGES_REPORT_H
#define TEST_IMAGES_REPORT_H

#include "tests/images/run.h"

struct report {
	struct tally sum, fifo;	    /* of all, and of the FIFO queues among them */
	uint32_t scripts, failures; /* failures: of the campaign itself */
};

void tally_add(struct tally *sum, const struct tally *more);
void report_script(struct report *report, const struct script *script, const struct tally *tally);

/* Prints the sums; returns the exit status. Fails with fewer images judged, or processes killed, than that. */
int report_end(struct report *report, uint64_t images_min, uint64_t kills_min);

#endif
