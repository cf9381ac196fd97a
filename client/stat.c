/* What a queue holds and has done, in figures. */
#include "client/internal.h"

#include "kmod-free/memory.h"
#include "shm/fifo.h"
#include "shm/seen.h"
#include "shm/tenants.h"

#define STAT_BYTES_LEAST BYTES_UP_TO(struct rlq_queue_stat, dlq_error)

static void count_slot(const struct slot *slot, struct rlq_queue_stat *stat)
{
	struct slot_word word = slot_read_stable(slot);

	switch (word_state(word)) {
	case SLOT_DEAD:
	case SLOT_MOVING:
		stat->dead++;
		stat->visible++;
		break;
	case SLOT_READY:
		stat->visible++;
		break;
	case SLOT_LEASED:
		stat->in_flight++;
		break;
	case SLOT_DELAYED:
		stat->delayed++;
		break;
	default: /* also PENDING: sent, but not yet for anybody */
		return;
	}
	if (stat->oldest_sent_ms == 0 || sent_ms(slot->message.sent) < stat->oldest_sent_ms)
		stat->oldest_sent_ms = sent_ms(slot->message.sent);
}

static void count_rows(const struct segment *segment, struct rlq_queue_stat *stat)
{
	uint32_t high = seg_row_high(segment);

	for (uint32_t i = 1; i <= high; i++) { /* relaxed: figures to be shown */
		const struct seg_row *row = &segment->rows[i];

		stat->handles += (uint32_t)(load_relaxed(&row->user.low) & 1);
		stat->sent += load_relaxed(&row->sent);
		stat->received += load_relaxed(&row->received);
		stat->deleted += load_relaxed(&row->deleted);
		stat->redelivered += load_relaxed(&row->redelivered);
		stat->moved_to_dlq += load_relaxed(&row->moved);
		stat->expired += load_relaxed(&row->expired);
	}
}

/* What is kept by tables: never more than some 10,000 words of it are looked at. */
static void count_tables(struct segment *segment, struct rlq_queue_stat *stat)
{
	if (seg_is_fifo(segment)) {
		stat->groups = fifo_groups(segment);
		stat->dedup_ids = seen_count(segment);
	} else {
		seg_tenants_count_all(segment, &stat->tenants, &stat->noisy_tenants);
	}
}

int rlq_queue_stat(struct rlq_queue *queue, struct rlq_queue_stat *ret_stat)
{
	struct segment *segment = queue->seg;
	struct rlq_queue_stat stat = {.size = sizeof(stat)};
	int error = call_begin(queue);

	if (error)
		return error;
	error = seg_is_fifo(segment) ? fifo_refresh(segment) : 0;
	if (error) {
		call_end(queue);
		return error;
	}
	count_tables(segment, &stat);
	for (uint32_t i = 0; i < rings_count(segment->rings); i++) {
		const struct ring *ring = &segment->ring[rings_at(segment->rings, i)];

		for (uint32_t slot = 0; slot < ring_slot_count(ring); slot++)
			count_slot(&ring->slots[slot], &stat);
		stat.slots += ring_slot_count(ring);
		stat.rings++;
	}
	placement_read(segment, &stat);
	count_rows(segment, &stat);
	stat.created_ms = segment->header->identity.created_ms;
	stat.modified_ms = seg_attribute(segment, ATTRIBUTE_MODIFIED_MS);
	stat.memory_bytes = os_file_memory(segment->fd);
	stat.incarnation = segment->incarnation;
	stat.sends_refused = (int32_t)(0 - load_acquire(&segment->header->sends_refused));
	stat.dlq_error = (int32_t)(0 - load_relaxed(&segment->header->dlq_error));
	call_end(queue);
	return output_write(ret_stat, STAT_BYTES_LEAST, sizeof(stat), &stat);
}
