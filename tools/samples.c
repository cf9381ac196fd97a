#include "samples.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Where `name` is, or belongs. */
static size_t find(const struct samples *samples, const char *name, bool *ret_found)
{
	size_t i = 0;

	while (i < samples->count && strcmp(samples->all[i].name, name) < 0)
		i++;
	*ret_found = i < samples->count && !strcmp(samples->all[i].name, name);
	return i;
}

static struct sample *insert(struct samples *samples, size_t at, const char *name)
{
	struct sample *all = realloc(samples->all, (samples->count + 1) * sizeof(*all));

	if (!all)
		return NULL;
	samples->all = all;
	memmove(all + at + 1, all + at, (samples->count - at) * sizeof(*all));
	samples->count++;
	all[at] = (struct sample){.queue = NULL};
	snprintf(all[at].name, sizeof(all[at].name), "%s", name);
	return &all[at];
}

/* A counter may fall when a queue was made again, or when a killed process took its count along. */
static double rate(uint64_t now, uint64_t before, double seconds)
{
	return now > before && seconds > 0 ? (double)(now - before) / seconds : 0;
}

static void forget(struct sample *sample, int code)
{
	rlq_queue_close(sample->queue);
	sample->queue = NULL;
	sample->taken_ns = 0;
	sample->code = code;
	sample->stat = (struct rlq_queue_stat){.size = sizeof(sample->stat)};
	sample->sent_rate = sample->received_rate = sample->deleted_rate = 0;
}

static void look(struct rlq_directory *directory, struct sample *sample)
{
	struct rlq_queue_stat stat = {.size = sizeof(stat)};
	int code = 0;
	uint64_t now_ns;

	if (!sample->queue)
		code = rlq_queue_open(directory, sample->name, &sample->queue);
	if (code >= 0)
		code = rlq_queue_stat(sample->queue, &stat);
	if (code < 0) {
		forget(sample, code); /* the next look opens it anew: it may have been made again */
		return;
	}
	now_ns = monotonic_ns();
	if (sample->taken_ns) {
		const double seconds = (double)(now_ns - sample->taken_ns) / 1e9;

		sample->sent_rate = rate(stat.sent, sample->stat.sent, seconds);
		sample->received_rate = rate(stat.received, sample->stat.received, seconds);
		sample->deleted_rate = rate(stat.deleted, sample->stat.deleted, seconds);
	}
	sample->stat = stat;
	sample->taken_ns = now_ns;
	sample->code = 0;
}

static int take_each(void *context, const char *name)
{
	struct samples *samples = context;
	bool found;
	const size_t at = find(samples, name, &found);
	struct sample *sample = found ? &samples->all[at] : insert(samples, at, name);

	if (!sample)
		return -ENOMEM;
	sample->seen = true;
	look(samples->directory, sample);
	return 0;
}

int samples_take(struct samples *samples)
{
	size_t kept = 0;
	int rc;

	for (size_t i = 0; i < samples->count; i++)
		samples->all[i].seen = false;
	rc = rlq_queue_list(samples->directory, NULL, take_each, samples);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < samples->count; i++) {
		if (samples->all[i].seen)
			samples->all[kept++] = samples->all[i];
		else
			rlq_queue_close(samples->all[i].queue);
	}
	samples->count = kept;
	return 0;
}

void samples_free(struct samples *samples)
{
	for (size_t i = 0; i < samples->count; i++)
		rlq_queue_close(samples->all[i].queue);
	free(samples->all);
	samples->all = NULL;
	samples->count = 0;
}
