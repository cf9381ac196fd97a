/* The tenants of one queue (ring/tenants.h): their counts in the segment, and what one handle makes of them.
 *
 * A queue has no counts until the first message with a group id is sent to it. Of several messages of one tenant in
 * one millisecond a handle counts the first at once, and the others up to TENANT_BATCH at a time, so that not all
 * fight for one word while one tenant sends and receives at full speed: a count may be off by that much for each
 * handle. The sweep counts anew.
 */
#ifndef SEG_TENANTS_H
#define SEG_TENANTS_H

#include "shm/segment.h"

enum {
	TENANT_BATCH = TENANT_FLOOR,
	/* The others of a noisy tenant often have nothing for a moment, being served at once: the limit stays so
	 * long when nobody is noisy by it. */
	TENANT_CALM_MS = 1000,
};

/* Has anybody sent with a group id? Another value is damage, and counts as no. */
static inline bool seg_has_tenants(const struct segment *segment)
{
	/* Acquire: the counts have memory. */
	return __builtin_expect(load_acquire(&segment->header->tenants) != 0, 0) &&
	       load_relaxed(&segment->header->tenants) == watermark_pack(TENANT_COUNT); /* relaxed: as just seen */
}

/* The number of a group id in this queue, never TENANT_NONE or TENANT_NOBODY. */
uint32_t seg_tenant_of(const struct segment *segment, const void *group, size_t bytes);

/* Writes down whose message it is that we are about to publish in the slot, which knows its block already. 0,
 * RLQ_ENOSPACE (the counts get their memory with the first one), or another negative code. */
int seg_tenant_note(struct segment *segment, struct slot *slot, uint32_t tenant);
/* The same for what has its group id in the payload, and was not sent but moved or restored. */
int seg_tenant_restore(struct segment *segment, struct slot *slot, const unsigned char *payload);

/* A message of the tenant has come (1) or gone (-1). */
void seg_tenant_count(struct segment *segment, uint32_t tenant, int by);
/* What the handle has noted becomes known to all. */
void seg_tenants_flush(struct segment *segment);

/* Who is noisy, judged anew once a millisecond of the handle's clock; NULL: nobody is, nor was lately. */
const struct tenants *seg_tenants_judge(struct segment *segment);

/* How many have messages, but for TENANT_NOBODY; and how many of these are noisy. */
void seg_tenants_count_all(const struct segment *segment, uint32_t *ret_any, uint32_t *ret_noisy);

/* A sweep: begins, meets a message, ends. `moved`: what may have come or gone meanwhile. */
void seg_tenants_recount(struct segment *segment);
static inline void seg_tenants_meet(struct segment *segment, const struct slot *slot)
{
	if (segment->tenants.met)
		segment->tenants.met[slot_tenant(slot) % TENANT_COUNT]++;
}
void seg_tenants_correct(struct segment *segment, uint64_t moved);

#endif
