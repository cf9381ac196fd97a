#include "shm/tenants.h"

#include "kmod-free/memory.h"
#include "ring/crashpoint.h"
#include "shm/ids.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static atomic_u32 *live_of(const struct segment *segment)
{
	return (atomic_u32 *)(void *)(segment->base + SEG_TENANTS);
}

static int tenants_begin(struct segment *segment)
{
	int error;

	if (seg_has_tenants(segment))
		return 0;
	error = os_file_allocate(segment->fd, SEG_TENANTS, SEG_TENANTS_BYTES);
	if (error)
		return error == -ENOSPC ? RLQ_ENOSPACE : error;
	CRASH_POINT(tenants_allocated);
	store_release(&segment->header->tenants, watermark_pack(TENANT_COUNT));
	CRASH_POINT(tenants_said);
	return 0;
}

uint32_t seg_tenant_of(const struct segment *segment, const void *group, size_t bytes)
{
	uint64_t hash = id_group_hash(segment->incarnation, group, bytes);

	return 1 + (uint32_t)((hash >> 32) * (TENANT_NOBODY - 1) >> 32);
}

int seg_tenant_note(struct segment *segment, struct slot *slot, uint32_t tenant)
{
	int error = tenants_begin(segment);

	if (!error)
		slot->message.block = block_with_tenant(slot->message.block, tenant);
	return error;
}

int seg_tenant_restore(struct segment *segment, struct slot *slot, const unsigned char *payload)
{
	struct message_ids ids;
	int error;

	if (seg_is_fifo(segment))
		return 0;
	if (payload == NULL)
		return RLQ_EDAMAGED;
	error = message_read_ids(payload + slot->message.body_bytes, slot->message.extra_bytes, &ids);
	if (error)
		return error;
	if (ids.group)
		return seg_tenant_note(segment, slot, seg_tenant_of(segment, ids.group, ids.group_bytes));
	return seg_has_tenants(segment) ? seg_tenant_note(segment, slot, TENANT_NOBODY) : 0;
}

void seg_tenants_flush(struct segment *segment)
{
	struct seg_tenants *mine = &segment->tenants;

	if (mine->noted != 0 && seg_has_tenants(segment)) {
		/* relaxed: a hint */
		fetch_add32_relaxed(&live_of(segment)[mine->tenant], (uint32_t)mine->noted);
		CRASH_POINT(tenant_counted);
	}
	mine->noted = 0;
	mine->flushed_ms = segment->clock.boot_ms;
}

void seg_tenant_count(struct segment *segment, uint32_t tenant, int by)
{
	struct seg_tenants *mine = &segment->tenants;

	bool is_first = tenant != mine->tenant || mine->flushed_ms != segment->clock.boot_ms;

	if (tenant != mine->tenant)
		seg_tenants_flush(segment);
	mine->tenant = tenant % TENANT_COUNT;
	mine->noted += by;
	if (is_first || abs(mine->noted) >= TENANT_BATCH)
		seg_tenants_flush(segment);
}

const struct tenants *seg_tenants_judge(struct segment *segment)
{
	struct seg_tenants *mine = &segment->tenants;
	uint64_t now_ms = segment->clock.boot_ms;

	if (mine->judged_ms != now_ms) {
		struct tenants fresh = {.live = live_of(segment)};

		mine->judged_ms = now_ms;
		tenants_judge(&fresh);
		if (fresh.any_is_noisy)
			mine->noisy_ms = now_ms;
		if (fresh.any_is_noisy || now_ms - mine->noisy_ms >= TENANT_CALM_MS)
			mine->view = fresh;
	}
	return mine->view.any_is_noisy ? &mine->view : NULL;
}

void seg_tenants_count_all(const struct segment *segment, uint32_t *ret_any, uint32_t *ret_noisy)
{
	struct tenants now = {.live = live_of(segment)};

	*ret_any = *ret_noisy = 0;
	if (!seg_has_tenants(segment))
		return;
	tenants_judge(&now);
	for (uint32_t tenant = 1; tenant < TENANT_NOBODY; tenant++) {
		*ret_any += tenant_live(&now, tenant) > 0;
		*ret_noisy += tenant_is_noisy(&now, tenant);
	}
}

/* ---- sweep ------------------------------------------------------------------------------------ */

void seg_tenants_recount(struct segment *segment)
{
	free(segment->tenants.met);
	segment->tenants.met = seg_has_tenants(segment) ? calloc(TENANT_COUNT, sizeof(int32_t)) : NULL;
}

/* What was met is right to within what moved meanwhile, as with the count of live messages. */
void seg_tenants_correct(struct segment *segment, uint64_t moved)
{
	int32_t *met = segment->tenants.met;
	atomic_u32 *live = live_of(segment);

	for (uint32_t tenant = 1; met && tenant < TENANT_COUNT; tenant++) {
		uint32_t error = (uint32_t)met[tenant] - load32_relaxed(&live[tenant]); /* relaxed: a hint */

		if ((uint64_t)llabs((int32_t)error) > moved) {
			fetch_add32_relaxed(&live[tenant], error); /* relaxed: a hint */
			CRASH_POINT(tenant_counted);
		}
	}
	free(met);
	segment->tenants.met = NULL;
}
