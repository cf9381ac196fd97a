/* What every call does before and after, and how a call waits. */
#include "client/internal.h"

#include "kmod-free/futex.h"

#include <errno.h>
#include <string.h>

enum {
	STRUCT_BYTES_MAX = 4096, /* of options and results: more is not a size */
};

int options_read(void *ret_options, size_t known_bytes, const void *options)
{
	size_t given;

	if (options == NULL)
		return 0;
	memcpy(&given, options, sizeof(given));
	if (given < sizeof(given) || given > STRUCT_BYTES_MAX)
		return RLQ_EATTRIBUTE;
	for (size_t i = known_bytes; i < given; i++)
		if (((const unsigned char *)options)[i] != 0)
			return RLQ_EATTRIBUTE;
	memcpy(ret_options, options, given < known_bytes ? given : known_bytes);
	return 0;
}

int output_write(void *ret_output, size_t least_bytes, size_t known_bytes, const void *output)
{
	unsigned char *ret = ret_output;
	size_t given, written;

	memcpy(&given, ret, sizeof(given));
	if (given < least_bytes || given > STRUCT_BYTES_MAX)
		return RLQ_EATTRIBUTE;
	written = given < known_bytes ? given : known_bytes;
	memcpy(ret + sizeof(given), (const unsigned char *)output + sizeof(given), written - sizeof(given));
	memset(ret + written, 0, given - written);
	return 0;
}

bool reap_if_needed(struct rlq_queue *queue)
{
	uint64_t now_ms;

	os_clock_read(&queue->seg->clock);
	now_ms = queue->seg->clock.boot_ms;
	/* Once a millisecond will do: nothing ends in between, and a consumer may be spinning. */
	if (now_ms == queue->reaped_ms || seg_engine_is_prompt(queue->seg->directory, now_ms))
		return false;
	queue->reaped_ms = now_ms;
	seg_reap_for_client(queue->seg, &queue->sweep);
	os_clock_read(&queue->seg->clock); /* that took its time, and leases count from now */
	return true;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

int sleep_on(struct rlq_queue *queue, const atomic_u32 *event, uint32_t ticket, uint64_t until_ms)
{
	struct segment *segment = queue->seg;
	uint64_t now_ms = segment->clock.boot_ms, until = until_ms;
	int result;

	if (seg_engine_is_prompt(segment->directory, now_ms)) {
		/* Wake to see whether it still is, when it should have been awake itself. */
		uint64_t awake_by = load_relaxed(&segment->directory->engine->awake_by_ms);

		until = earlier(until, awake_by + ENGINE_PATIENCE_MS + 1);
	} else {
		uint64_t due = seg_reap_for_client(segment, &queue->sweep);

		until = earlier(until, earlier(due, now_ms + SLICE_MS));
	}
	result = os_futex_wait(event, ticket, until);
	return result == -EINTR ? -EINTR : 0;
}
