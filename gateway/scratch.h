/* Memory for yajl, which does not look whether it was given any: a piece that is large enough, on the stack or
 * asked for beforehand, of which it takes parts and gives none back. */
#ifndef GATEWAY_SCRATCH_H
#define GATEWAY_SCRATCH_H

#include <stddef.h>
#include <string.h>

#include <yajl/yajl_common.h>

enum { SCRATCH_FIXED_BYTES = 8192 }; /* more than yajl takes for itself and for two small texts */

struct scratch {
	char *free, *end;
};

/* Each part begins with its size. */
static inline void *scratch_take(void *context, size_t bytes)
{
	struct scratch *scratch = context;
	size_t *part = (size_t *)scratch->free;
	size_t whole = (2 * sizeof(*part) + bytes + 15) & ~(size_t)15;

	if (whole > (size_t)(scratch->end - scratch->free))
		return NULL;
	scratch->free += whole;
	part[0] = bytes;
	return part + 2;
}

static inline void *scratch_retake(void *context, void *part, size_t bytes)
{
	void *larger = scratch_take(context, bytes);

	if (part && larger) {
		size_t had = ((size_t *)part)[-2];

		memcpy(larger, part, had < bytes ? had : bytes);
	}
	return larger;
}

static inline void scratch_give(void *context, void *part)
{
	(void)context;
	(void)part;
}

static inline yajl_alloc_funcs scratch_of_yajl(struct scratch *scratch)
{
	return (yajl_alloc_funcs){
		.malloc = scratch_take, .realloc = scratch_retake, .free = scratch_give, .ctx = scratch};
}

#endif
