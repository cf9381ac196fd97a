/* All queues of a directory, looked at again and again: depths now, rates since the last look. */
#ifndef TOOLS_SAMPLES_H
#define TOOLS_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ringlease.h>

struct sample {
	char name[RLQ_NAME_MAX + 1];
	struct rlq_queue *queue; /* kept open between looks: opening takes a row in the segment */
	struct rlq_queue_stat stat;
	double sent_rate, received_rate, deleted_rate; /* a second */
	uint64_t taken_ns;			       /* 0: not yet */
	int code;				       /* why it could not be read */
	bool seen;				       /* in this look */
};

struct samples {
	struct rlq_directory *directory;
	struct sample *all; /* in name order */
	size_t count;
};

/* Looks at every queue. Returns 0 or a negative code. */
int samples_take(struct samples *samples);

void samples_free(struct samples *samples);

#endif
