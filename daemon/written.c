#include "daemon/written.h"

#include "daemon/gather.h"
#include "daemon/moved.h"
#include "ring/fifo.h"
#include "shm/fifo.h"
#include "shm/ids.h"
#include "shm/message.h"

#include <errno.h>
#include <string.h>

enum { TURNS_TO_TAKE_BACK = 3 }; /* a sender has begun to, if he can */

/* A message as it lies in its slot. */
struct source {
	struct journaled *queue;
	const struct slot *slot;
	uint32_t ring;
	struct slot_word word;
	uint64_t place;
	struct slot_message message;
	const unsigned char *payload;
	uint64_t sequence; /* 0: of a standard queue */
};

/* Can it be put into its group again? */
static bool has_ids(const struct source *source)
{
	struct message_ids ids;

	return message_read_ids(source->payload + source->message.body_bytes, source->message.extra_bytes, &ids) ==
		       0 &&
	       ids_are_whole(&ids);
}

/* False: it is damaged, or has changed meanwhile. */
static bool source_find(struct journaled *queue, uint32_t ring, uint32_t slot, struct slot_word word,
			struct source *ret)
{
	ret->queue = queue;
	ret->slot = &queue->segment->ring[ring].slots[slot];
	ret->ring = ring;
	ret->word = word;
	ret->sequence = 0;
	ret->place = place_pack(ring, slot, word_generation(word));
	ret->message = message_read(&ret->slot->message);
	ret->payload = message_payload(queue->segment, ret->slot, &ret->message, ret->place);
	if (ret->payload == NULL || !seg_is_fifo(queue->segment))
		return ret->payload != NULL;
	ret->sequence = load_relaxed(&fifo_links(ret->slot)->sequence); /* relaxed: behind the word */
	return ret->sequence != 0 && has_ids(ret);
}

/* What readers of the file must know that it is written to. Said before room is counted, for the next file may have
 * to be begun. */
static void source_need(const struct turn *turn, const struct source *source)
{
	const struct slot_message *message = &source->message;

	if (message->extra_bytes && message_has_trace(source->payload + message->body_bytes, message->extra_bytes))
		journal_need(turn->journal, FORMAT_FILE_TRACE);
}

/* Of its record. */
static size_t source_bytes(const struct source *source)
{
	if (source->sequence)
		return format_sequenced_bytes(source->message.body_bytes, source->message.extra_bytes);
	return format_message_bytes(source->message.body_bytes, source->message.extra_bytes);
}

/* The receive count; of a message that was MOVED the high half is a place. */
static uint32_t receives_of(const struct ledger_entry *entry, struct slot_word word)
{
	return word_state(word) == SLOT_MOVED ? (entry ? entry->receives : 0) : word_receives(word);
}

bool written_differs(const struct ledger_entry *entry, struct slot_word word)
{
	return receives_of(entry, word) != entry->receives || gather_delay_of(word) != entry->deadline_ms;
}

/* The boot clock's deadline as wall clock, for the journal. */
static uint64_t wall_of(const struct turn *turn, uint32_t deadline_ms)
{
	if (deadline_ms == 0)
		return 0;
	return turn->clock.wall_ms + (uint64_t)(int64_t)(int32_t)(deadline_ms - (uint32_t)turn->clock.boot_ms);
}

/* ---- messages --------------------------------------------------------------------------------- */

/* Copies the message into the journal. 1: written, 0: it has changed meanwhile, for the next turn. */
static int write_message(struct turn *turn, const struct source *source, uint64_t number,
			 struct ledger_entry *entry)
{
	const struct slot_message *message = &source->message;
	struct slot_word word = source->word;
	size_t bytes = source_bytes(source);
	struct format_message head = {
		.number = number,
		.queue = source->queue->queue,
		.sender = message->sender,
		.id = {message->id[0], message->id[1]},
		.sent_ms = sent_ms(message->sent),
		.due_ms = wall_of(turn, gather_delay_of(word)),
		.receives = receives_of(NULL, word),
		.first_receive_ms = message->first_receive_ms,
		.body_bytes = message->body_bytes,
		.extra_bytes = message->extra_bytes,
		.origin = message->block ? moved_origin(turn, source->slot, source->place) : 0,
	};
	unsigned char *room = journal_reserve(turn->journal, bytes);
	struct format_message *put;

	if (room == NULL)
		return journal_error(turn->journal);
	put = source->sequence ? format_sequenced_put(room, &head, source->sequence)
			       : format_message_put(room, &head);
	if (source->sequence && message_was_moved_here(source->slot, source->place))
		put->record.flags |= FORMAT_MOVED;
	memcpy(put->payload, source->payload, (size_t)message->body_bytes + message->extra_bytes);
	*entry = (struct ledger_entry){
		.number = number,
		.generation = word_generation(word),
		.receives = head.receives,
		.deadline_ms = gather_delay_of(word),
		.file = (uint32_t)journal_file(turn->journal),
		.bytes = (uint32_t)bytes,
	};
	/* [R9] The slot may have gone on under the copy. */
	fence_acquire();
	if (word_generation(slot_read(source->slot)) != entry->generation) {
		format_filler_put(room, bytes);
		return 0;
	}
	return turn_count(turn, &source->queue->ledger.ring[source->ring], entry) ? -ENOMEM : 1;
}

/* Left out of turns before, and its sender has not taken it back: he is dead, or stands. In a FIFO queue all behind
 * it wait for it, and may be what fills the queue's limit. */
static bool is_in_the_way(const struct turn *turn, const struct source *source, uint32_t slot)
{
	return source->sequence && sent_turns_ago(source->message.sent, turn->number) >= TURNS_TO_TAKE_BACK &&
	       fifo_is_head(source->queue->segment, source->ring, slot, source->word);
}

static bool is_admitted(struct turn *turn, const struct source *source, uint32_t slot)
{
	uint64_t bytes = source_bytes(source);

	return reserve_admits(turn, source->queue, bytes) || word_state(source->word) != SLOT_PENDING ||
	       (is_in_the_way(turn, source, slot) && reserve_has_room(turn, bytes));
}

int written_new(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot, struct slot_word word)
{
	struct ledger_ring *written = &queue->ledger.ring[ring];
	struct ledger_entry *entry;
	struct source source;
	int result;

	/* No room is made for lengths that are none. */
	if (!source_find(queue, ring, slot, word, &source) ||
	    (source.message.block && moved_from_aside(turn, source.slot, source.place)))
		return 0;
	source_need(turn, &source);
	if (!is_admitted(turn, &source, slot))
		return 0;
	if (turn_note_touched(turn, queue, ring, slot, NULL))
		return -ENOMEM;
	entry = ledger_enter(written, slot);
	result = entry ? write_message(turn, &source, turn->next_number++, entry) : -ENOMEM;
	if (result != 1 && entry)
		ledger_remove(written, slot);
	return result;
}

int written_again(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot)
{
	struct ledger_entry *entry = ledger_find(&queue->ledger.ring[ring], slot), again;
	struct slot_word word = slot_read_stable(&queue->segment->ring[ring].slots[slot]);
	struct source source;
	int result;

	if (word_generation(word) != entry->generation || !gather_is_alive(word) || word_state(word) == SLOT_MOVED)
		return 0;
	if (turn_note_touched(turn, queue, ring, slot, entry))
		return -ENOMEM;
	if (!source_find(queue, ring, slot, word, &source))
		return 0;
	source_need(turn, &source);
	result = write_message(turn, &source, entry->number, &again);
	if (result != 1)
		return result;
	turn_uncount(turn, &queue->ledger.ring[ring], entry);
	*entry = again;
	return 1;
}

/* ---- changes ---------------------------------------------------------------------------------- */

int written_change(struct turn *turn, struct journaled *queue, uint32_t ring, uint32_t slot, struct slot_word word,
		   struct ledger_entry *entry)
{
	const struct slot *from = &queue->segment->ring[ring].slots[slot];
	struct format_update update = {
		.number = entry->number,
		.due_ms = wall_of(turn, gather_delay_of(word)),
		.receives = receives_of(entry, word),
		.first_receive_ms = message_read(&from->message).first_receive_ms,
	};
	unsigned char *room;

	if (turn_note_touched(turn, queue, ring, slot, entry))
		return -ENOMEM;
	room = journal_reserve(turn->journal, sizeof(update));
	if (room == NULL)
		return journal_error(turn->journal);
	format_update_put(room, &update);
	entry->receives = update.receives;
	entry->deadline_ms = gather_delay_of(word);
	return 1;
}
