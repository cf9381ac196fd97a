#include "shm/seen.h"

#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/fifo.h"
#include "shm/room.h"

#include <errno.h>

enum { LOOKS_MAX = 1000, SETTLED_A_TIME = 4096 };

/* ---- view ------------------------------------------------------------------------------------- */

int seen_open(struct segment *segment)
{
	uint64_t list = tables_list(segment->header, TABLE_IDS);
	struct dedup *dedup = &segment->dedup;
	uint32_t count = rings_count(list);
	struct table_place table;

	if (count == 0 || count > DEDUP_TABLES_MAX)
		return RLQ_EDAMAGED;
	for (uint32_t i = 0; i < count; i++) {
		if (!table_open(segment, TABLE_IDS, list, i, &table))
			return RLQ_EDAMAGED;
		dedup_table_place(&dedup->table[i], table.memory, table.order);
	}
	/* Who settles looks into the slots of entries: into all of them. */
	if (segment->dedup_seen != list || dedup->listed != segment->listed)
		segment->settling = (struct dedup_settling){0};
	dedup->rings = segment->ring;
	dedup->listed = segment->listed;
	dedup->count = count;
	dedup->marks = &segment->header->dedup;
	dedup->sequence = &segment->header->sequence;
	dedup->window_ms = seg_attribute(segment, ATTRIBUTE_DEDUP_WINDOW_MS);
	dedup->ids_max = segment->dedup_max;
	segment->dedup_seen = list;
	return 0;
}

static int append(struct segment *segment)
{
	uint64_t now_ms = segment->clock.boot_ms;
	int error;

	segment->dedup.window_ms = seg_attribute(segment, ATTRIBUTE_DEDUP_WINDOW_MS);
	error = tables_append(segment, TABLE_IDS, segment->dedup_seen, dedup_next_order(&segment->dedup, now_ms));
	if (error)
		return error == -ENOSPC ? RLQ_ENOSPACE : error == -EBUSY ? ROOM_GROWING_IDS : error;
	return fifo_refresh(segment);
}

/* What an answer asks for. True: try again; else `*ret_error` says what is wrong, 0 for nothing. */
static bool is_to_try_again(struct segment *segment, enum dedup_result result, uint32_t *looks, int *ret_error)
{
	*ret_error = 0;
	if (result != DEDUP_GROW && result != DEDUP_STALE && result != DEDUP_DAMAGED)
		return false;
	if (result == DEDUP_DAMAGED || ++*looks > LOOKS_MAX)
		*ret_error = RLQ_EDAMAGED;
	else
		*ret_error = result == DEDUP_GROW ? append(segment) : fifo_refresh(segment);
	return *ret_error == 0;
}

/* ---- tables ----------------------------------------------------------------------------------- */

/* A part of settling the oldest table, whose entries count for nobody any more; then it goes. True if there is more
 * to do at once. */
static bool settle_oldest(struct segment *segment, uint32_t budget)
{
	struct dedup_settling *settling = &segment->settling;
	uint64_t link, helped = 0;
	enum dedup_result result;

	if (dedup_begin_settling(&segment->dedup, settling)) {
		os_clock_read(&segment->clock);
		settling->asked_ms = segment->clock.boot_ms + OS_CLOCK_SLACK_MS;
	}
	while ((result = dedup_settle(&segment->dedup, settling, budget, &link)) == DEDUP_HELP && link != helped) {
		fifo_publish(segment, link);
		helped = link;
	}
	if (result == DEDUP_OK && dedup_may_drop(&segment->dedup, settling, segment->clock.boot_ms)) {
		tables_drop_oldest(segment, TABLE_IDS, segment->dedup_seen);
		fifo_refresh(segment);
	}
	return result == DEDUP_BUSY;
}

bool seen_tend(struct segment *segment, uint32_t budget)
{
	bool more = false;

	segment->dedup.window_ms = seg_attribute(segment, ATTRIBUTE_DEDUP_WINDOW_MS);
	if (dedup_may_settle(&segment->dedup, segment->clock.boot_ms))
		more = settle_oldest(segment, budget);
	else if (dedup_is_due(&segment->dedup, segment->clock.boot_ms))
		append(segment);
	return more;
}

/* ---- sending ---------------------------------------------------------------------------------- */

static int reserve(struct segment *segment)
{
	enum dedup_result result;
	uint32_t looks = 0;
	int error;

	do
		result = dedup_reserve(&segment->dedup, &segment->quota, segment->clock.boot_ms);
	while (is_to_try_again(segment, result, &looks, &error));
	return error ? error : result == DEDUP_FULL ? RLQ_EDEDUPFULL : 0;
}

/* Never "full" while there are ids that nobody has to remember any more. */
static int reserve_anew(struct segment *segment)
{
	uint64_t list = segment->dedup_seen;
	int error;

	while (dedup_may_settle(&segment->dedup, segment->clock.boot_ms) && segment->dedup_seen == list)
		if (!settle_oldest(segment, SETTLED_A_TIME))
			break;
	error = reserve(segment);
	/* All tables there may be, in use: after a purge the oldest one goes soon. */
	return error == RLQ_EDEDUPFULL && dedup_is_purged(&segment->dedup) ? ROOM_GROWING_IDS : error;
}

int seen_reserve(struct segment *segment)
{
	int error = reserve(segment);

	return __builtin_expect(error == RLQ_EDEDUPFULL, 0) ? reserve_anew(segment) : error;
}

void seen_unreserve(struct segment *segment)
{
	dedup_unreserve(&segment->dedup, &segment->quota);
}

bool seen_has_place(struct segment *segment, const uint64_t key[2])
{
	if (__builtin_expect(dedup_has_place(&segment->dedup, key), 1))
		return true;
	return tables_list(segment->header, TABLE_IDS) != segment->dedup_seen && fifo_refresh(segment) == 0 &&
	       dedup_has_place(&segment->dedup, key);
}

void seen_stamp(struct segment *segment, struct slot *slot, uint64_t link, struct dedup_message *ret)
{
	const struct fifo_links *links = fifo_links(slot);

	*ret = (struct dedup_message){
		.link = link,
		.key = {load_relaxed(&links->key[0]), load_relaxed(&links->key[1])}, /* relaxed: ours */
		.id = {slot->message.id[0], slot->message.id[1]},
	};
	dedup_stamp(&segment->dedup, slot, segment->clock.boot_ms, ret);
}

bool seen_look(struct segment *segment, const uint64_t key[2], struct dedup_answer *ret)
{
	/* Of no slot, and without a number: nothing is inserted for it. */
	const struct dedup_message nobody = {
		.key = {key[0], key[1]},
		.boot_ms = segment->clock.boot_ms,
		.purged = load_seq(&segment->header->dedup.purged),
	};

	return !dedup_lacks(&segment->dedup, key) && seen_decide(segment, &nobody, ret) == DEDUP_DUPLICATE;
}

enum dedup_result seen_decide(struct segment *segment, const struct dedup_message *message,
			      struct dedup_answer *ret)
{
	enum dedup_result result;
	uint32_t looks = 0;
	int error;

	do
		result = dedup_decide(&segment->dedup, message, ret);
	while (is_to_try_again(segment, result, &looks, &error));
	return error ? DEDUP_DAMAGED : result;
}

/* ---- taking back ------------------------------------------------------------------------------ */

void seen_take_back(struct segment *segment, uint64_t link)
{
	struct dedup_message message;
	enum dedup_result result;
	uint32_t looks = 0;
	int error;

	if (!dedup_read(&segment->dedup, link, &message))
		return;
	do
		result = dedup_void(&segment->dedup, &message);
	while (is_to_try_again(segment, result, &looks, &error));
}

bool seen_is_void(struct segment *segment, uint64_t link, const uint64_t key[2])
{
	const struct dedup_message message = {.link = link, .key = {key[0], key[1]}};
	enum dedup_result result;
	uint32_t looks = 0;
	int error;

	do
		result = dedup_ask_void(&segment->dedup, &message);
	while (is_to_try_again(segment, result, &looks, &error));
	return error || result == DEDUP_NONE;
}

/* ---- purge ------------------------------------------------------------------------------------ */

uint64_t seen_purge(struct segment *segment)
{
	return dedup_purge(&segment->dedup);
}

/* ---- after a reboot ----------------------------------------------------------------------------- */

int seen_restore_begin(struct segment *segment, uint64_t ids)
{
	uint32_t order = dedup_order_for(ids);
	int error;

	if (order <= segment->dedup.table[segment->dedup.count - 1].order)
		return 0;
	segment->dedup.window_ms = seg_attribute(segment, ATTRIBUTE_DEDUP_WINDOW_MS);
	error = tables_append(segment, TABLE_IDS, segment->dedup_seen, order);
	if (error)
		return error == -ENOSPC ? RLQ_ENOSPACE : error;
	return fifo_refresh(segment);
}

int seen_restore(struct segment *segment, const struct dedup_message *message)
{
	const struct dedup *dedup = &segment->dedup;
	int64_t age_ms = (int64_t)(segment->clock.boot_ms - message->boot_ms);

	if (age_ms >= (int64_t)seg_attribute(segment, ATTRIBUTE_DEDUP_WINDOW_MS))
		return 0;
	return dedup_restore(&dedup->table[dedup->count - 1], message) ? 0 : RLQ_ENOSPACE;
}

uint64_t seen_count(const struct segment *segment)
{
	return dedup_taken(&segment->dedup);
}

void seen_close(struct segment *segment)
{
	if (segment->quota.left == 0 || seg_enter(segment) != 0)
		return;
	dedup_give_back(&segment->dedup, &segment->quota);
	seg_leave(segment);
}
