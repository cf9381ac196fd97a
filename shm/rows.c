/* See rows.h. A row is one word that says whose it is, counters that only its user writes, the view of
 * its call, and its holds. */
#include "shm/rows.h"

#include "kmod-free/memory.h"
#include "ring/crashpoint.h"
#include "ringlease.h"

#include <errno.h>
#include <unistd.h>

/* Gives memory to the next rows. Two may do it at once: allocating twice is harmless. */
static int rows_extend(struct segment *segment, uint32_t high)
{
	int error;

	if (high == 0)
		return RLQ_EDAMAGED;
	if (high + 1 >= SEG_ROW_COUNT)
		return RLQ_EHANDLES;
	error = os_file_allocate(segment->fd, SEG_ROWS + (high + 1) * sizeof(struct seg_row),
				 SEG_ROWS_STEP * sizeof(struct seg_row));
	if (error)
		return error == -ENOSPC ? RLQ_ENOSPACE : error;
	/* Lost: another has raised it, by as much. */
	cas_seq(&segment->header->row_high, watermark_pack(high), watermark_pack(high + SEG_ROWS_STEP));
	CRASH_POINT(row_memory_said);
	return 0;
}

static bool row_is_used(struct pair128 user)
{
	return user.low & 1;
}

static struct pair128 row_user(const struct seg_row *row)
{
	return (struct pair128){.low = load_acquire(&row->user.low), .high = load_acquire(&row->user.high)};
}

/* Takes row `index` if it is free or its user is dead. The new serial makes everything that the last
 * user left behind an orphan that anybody may tell. */
static bool row_take(struct segment *segment, uint32_t index)
{
	struct seg_row *row = &segment->rows[index];
	struct pair128 user = row_user(row);
	uint32_t serial = (uint32_t)(user.low >> 1) + 1;
	struct pair128 mine = {.low = (uint64_t)serial << 1 | 1, .high = segment->directory->liveness.key};

	if (row_is_used(user) && !seg_handle_is_gone(segment, index, serial - 1))
		return false;
	if (!cas128_seq(&row->user, user, mine))
		return false;
	CRASH_POINT(row_taken);
	if (!row_is_used(user))
		fetch_add_seq(&segment->header->row_used, 1);
	CRASH_POINT(row_use_counted);
	segment->row = index;
	segment->serial = serial;
	segment->me = row;
	store_release(&row->view, 0);
	for (int i = 0; i < SEG_HOLD_COUNT; i++) {
		CRASH_POINT(row_hold_dropped);
		store_release(&row->holds[i], 0);
	}
	CRASH_POINT(row_hold_dropped);
	store_relaxed(&row->pid, (uint64_t)getpid()); /* only shown */
	CRASH_POINT(row_pid_said);
	return true;
}

int seg_row_take(struct segment *segment)
{
	/* Free rows first; then more rows; the dead's only when there are no more. */
	for (;;) {
		uint32_t high = seg_row_high(segment);
		int error;

		for (uint32_t i = 1; i <= high; i++)
			if (!row_is_used(row_user(&segment->rows[i])) && row_take(segment, i))
				return 0;
		for (uint32_t i = 1; i <= high; i++)
			if (row_take(segment, i))
				return 0;
		error = rows_extend(segment, high);
		if (error)
			return error;
	}
}

void seg_row_give_back(struct segment *segment)
{
	struct pair128 mine = {.low = (uint64_t)segment->serial << 1 | 1, .high = segment->directory->liveness.key};

	for (int i = 0; i < SEG_HOLD_COUNT; i++) {
		store_seq(&segment->me->holds[i], 0);
		CRASH_POINT(row_hold_dropped);
	}
	seg_leave(segment);
	if (cas128_seq(&segment->me->user, mine, (struct pair128){.low = (uint64_t)segment->serial << 1})) {
		CRASH_POINT(row_given_back);
		fetch_add_seq(&segment->header->row_used, UINT64_MAX);
		CRASH_POINT(row_use_counted);
	}
}

int64_t seg_live(const struct segment *segment)
{
	uint64_t live = load_relaxed(&segment->header->live_correction); /* relaxed: an estimate */
	uint32_t high = seg_row_high(segment);

	for (uint32_t i = 1; i <= high; i++)
		live += load_relaxed(&segment->rows[i].sent) - load_relaxed(&segment->rows[i].left);
	return (int64_t)live;
}

bool seg_handle_is_gone(const struct segment *segment, uint32_t row, uint32_t serial)
{
	uint32_t high = seg_row_high(segment);
	struct pair128 user;

	if (high == 0)
		return false; /* no proof, no death */
	if (row == 0 || row > high)
		return true;
	user = row_user(&segment->rows[row]);
	if (!row_is_used(user) || (uint32_t)(user.low >> 1) != serial)
		return true;
	return os_liveness_ask(&segment->directory->liveness, user.high) == OS_DEAD;
}

bool seg_is_held(const struct segment *segment, uint64_t place)
{
	uint32_t high = seg_row_high(segment);

	for (uint32_t i = 1; i <= high; i++) {
		const struct seg_row *row = &segment->rows[i];
		struct pair128 user = row_user(row);

		for (int hold = 0; row_is_used(user) && hold < SEG_HOLD_COUNT; hold++) {
			/* [H2] after the slot became HELD; pairs with [H1] and with the holder's letting go */
			if (load_seq(&row->holds[hold]) == place &&
			    !seg_handle_is_gone(segment, i, (uint32_t)(user.low >> 1)))
				return true;
		}
	}
	return high == 0;
}

/* ---- the dead --------------------------------------------------------------------------------- */

/* Asked of the kernel once per process and memo. */
static bool is_dead(const struct segment *segment, uint64_t key, struct life_memo *memo)
{
	for (uint32_t i = 0; memo && i < memo->count; i++)
		if (memo->alive[i] == key)
			return false;
	if (os_liveness_ask(&segment->directory->liveness, key) == OS_DEAD)
		return true;
	if (memo && memo->count < LIFE_MEMO_MAX)
		memo->alive[memo->count++] = key;
	return false;
}

uint32_t seg_free_dead_rows(struct segment *segment, struct life_memo *memo)
{
	uint32_t high = seg_row_high(segment);
	uint64_t used = 0;
	uint32_t freed = 0;

	if (high == 0)
		return 0;
	for (uint32_t i = 1; i <= high; i++) {
		struct seg_row *row = &segment->rows[i];
		struct pair128 user = row_user(row);
		struct pair128 none = {.low = user.low & ~UINT64_C(1)};

		if (row_is_used(user) && is_dead(segment, user.high, memo) && cas128_seq(&row->user, user, none)) {
			CRASH_POINT(reap_row_freed);
			fetch_add_seq(&segment->header->wanted, 1); /* what it left behind is to be looked for */
			CRASH_POINT(reap_row_said);
			freed++;
		}
		used += row_is_used(row_user(row));
	}
	store_relaxed(&segment->header->row_used, used); /* relaxed: about right is good enough */
	CRASH_POINT(row_use_counted);
	return freed;
}
