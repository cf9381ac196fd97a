#include "shm/move.h"

#include "ring/crashpoint.h"
#include "ringlease.h"
#include "shm/durable.h"
#include "shm/fifo.h"
#include "shm/ids.h"
#include "shm/message.h"
#include "shm/reap.h"
#include "shm/room.h"
#include "shm/tenants.h"
#include "shm/window.h"

#include <errno.h>
#include <string.h>

enum { MOVE_EXTRA_BYTES = 512 }; /* of a copy's record beside the message: its head, and whence it came */

/* ---- the move --------------------------------------------------------------------------------- */

static uint64_t my_place(uint32_t ring, uint32_t slot, struct slot_word word)
{
	return place_pack(ring, slot, word_generation(word));
}

/* The notes of a move come last: the kept part is what stands before the first of them. */
static int extra_to_keep(const unsigned char *extra, uint64_t bytes, uint64_t *ret_bytes)
{
	struct message_record record;
	uint64_t offset = 0, before = 0;
	int result;

	while ((result = message_next_record(extra, bytes, &offset, &record)) == 1) {
		if (record.kind >= NOTE_SOURCE)
			break;
		before = offset;
	}
	*ret_bytes = before;
	return result < 0 ? result : 0;
}

/* Says that the copy is whole: what is there of an earlier message of the slot names another place. */
static atomic_u64 *origin_copy(struct slot *slot)
{
	return (atomic_u64 *)(void *)(slot->message.inline_bytes + ORIGIN_OFFSET + offsetof(struct origin, copy));
}

static int copy_into(struct segment *source, const struct slot *from, uint32_t from_ring, uint32_t from_slot,
		     struct slot_word word, struct segment *target, struct slot *to, uint64_t to_place,
		     enum move_kind kind)
{
	struct slot_message message = message_read(&from->message);
	uint64_t place = my_place(from_ring, from_slot, word);
	const unsigned char *payload = message_payload(source, from, &message, place);
	struct message_parts notes = {0};
	struct origin origin = {.incarnation = source->incarnation, .place = place, .file = source->file};
	bool is_sent_anew = kind == MOVE_REDRIVE || seg_is_fifo(target);
	unsigned char *room;
	uint64_t keep;
	int error;

	if (payload == NULL)
		return RLQ_EDAMAGED;
	error = extra_to_keep(payload + message.body_bytes, message.extra_bytes, &keep);
	if (error)
		return error;
	if (kind == MOVE_TO_DLQ) {
		notes.source = source->name;
		notes.reason = "received too often";
	}
	error = message_make_block(target, to, to_place, message.body_bytes, keep + message_extra_bytes(&notes),
				   &room);
	if (error)
		return error;
	memcpy(room, payload, message.body_bytes + keep);
	message_write_extra(room + message.body_bytes + keep, &notes);
	error = seg_tenant_restore(target, to, room);
	if (error)
		return error;
	memcpy(to->message.id, message.id, sizeof(message.id));
	os_clock_read(&target->clock);
	to->message.sent =
		sent_pack(is_sent_anew ? target->clock.wall_ms : sent_ms(message.sent), seg_turn(target));
	to->message.first_receive_ms = message.first_receive_ms;
	to->message.sender = message.sender;
	memcpy(to->message.inline_bytes + ORIGIN_OFFSET, &origin, sizeof(origin));
	store_release(origin_copy(to), to_place);
	CRASH_POINT(move_copied);
	return 0;
}

/* Gives the claimed slot of the target back. */
static void arriving_give_up(struct segment *target, uint32_t ring, const struct ring_claim *claim)
{
	struct slot *slot = &target->ring[ring].slots[claim->slot];

	message_free(target, ring, claim->slot, slot_read(slot));
	seg_notify_room(target); /* it was full for others meanwhile */
}

/* In a FIFO queue the copy gets its place before the move is decided: then the next one of its group, which can
 * move only after that, comes behind it. Nobody receives it there, nor what is behind it, until it has arrived. */
static int arrive_in_order(struct segment *target, struct slot *copy, uint32_t ring, uint32_t slot)
{
	struct slot_message message = message_read(&copy->message);
	struct slot_word word = slot_read(copy);
	uint64_t place = my_place(ring, slot, word), group;
	const unsigned char *payload = message_payload(target, copy, &message, place);
	struct message_ids ids;
	struct id_key key;
	bool is_head;
	int error =
		payload ? message_read_ids(payload + message.body_bytes, message.extra_bytes, &ids) : RLQ_EDAMAGED;

	if (!error)
		error = id_hash_message(target, &ids, &group, &key); /* what was moved is not deduplicated */
	if (error)
		return error;
	fifo_begin(copy, group);
	error = fifo_join(target, fifo_link(ring, slot, word), &is_head);
	return error == ROOM_GROWING ? RLQ_EFULL : error;
}

/* Claims a slot of the target and fills it. Returns its ring or a code. */
static int arrive_prepare(struct segment *source, uint32_t ring, uint32_t slot, struct slot_word moving,
			  struct segment *target, enum move_kind kind, struct ring_claim *ret_claim)
{
	uint32_t receives = kind == MOVE_TO_DLQ ? word_receives(moving) : 0;
	int error = seg_room(target), to;
	struct slot *copy;

	if (error)
		return error;
	to = seg_claim_walk(target, true, receives, ret_claim);
	if (to < 0)
		return to == ROOM_GROWING ? RLQ_EFULL : to;
	CRASH_POINT(move_arriving);
	copy = &target->ring[to].slots[ret_claim->slot];
	copy->message.block = 0;
	error = copy_into(source, &source->ring[ring].slots[slot], ring, slot, moving, target, copy,
			  my_place((uint32_t)to, ret_claim->slot, slot_read(copy)), kind);
	if (!error && seg_is_fifo(target))
		error = arrive_in_order(target, copy, (uint32_t)to, ret_claim->slot);
	if (error) {
		arriving_give_up(target, (uint32_t)to, ret_claim);
		return error;
	}
	return to;
}

static struct slot_word word_moved(struct slot_word moving, uint64_t place)
{
	moving = word_with_state(moving, SLOT_MOVED);
	moving.bits.high = place;
	return moving;
}

/* ARRIVING -> READY. */
static bool arrive(struct segment *target, uint32_t ring, uint32_t slot, struct slot_word arriving)
{
	if (!ring_arrive(&target->ring[ring], slot, arriving))
		return false;
	if (seg_is_fifo(target))
		fifo_became_ready(target, ring, slot, word_with_state(arriving, SLOT_READY));
	return true;
}

/* Decided: the rest can be done by anybody. */
static void move_complete(struct segment *source, uint32_t ring, uint32_t slot, struct slot_word moved,
			  struct segment *target, uint32_t to_ring, uint32_t to_slot, struct slot_word arriving)
{
	uint32_t tenant = slot_tenant(&target->ring[to_ring].slots[to_slot]);

	if (arrive(target, to_ring, to_slot, arriving)) {
		seg_count(&target->me->sent, 1);
		CRASH_POINT(move_arrived);
		if (tenant != TENANT_NONE)
			seg_tenant_count(target, tenant, 1);
		seg_notify(target, 1);
	} else {
		ring_mark(&target->ring[to_ring], to_slot); /* for who made it arrive, and has not come to it */
	}
	if (message_free(source, ring, slot, moved)) {
		seg_count(&source->me->left, 1);
		seg_count(&source->me->moved, 1);
		CRASH_POINT(move_source_freed);
		seg_notify_room(source);
	}
}

/* Nothing was decided: the message is what it was. A READY one may have been passed meanwhile. False: it
 * was deleted. */
static bool move_undo(struct segment *source, uint32_t ring, uint32_t slot, struct slot_word moving,
		      struct slot_word before)
{
	if (!slot_change(&source->ring[ring].slots[slot], moving, before))
		return false;
	CRASH_POINT(move_undone);
	if (word_state(before) == SLOT_READY) {
		ring_set_again(&source->ring[ring], slot);
		if (seg_is_fifo(source))
			fifo_became_ready(source, ring, slot, before);
		seg_notify(source, 1);
	}
	return true;
}

bool seg_undo_moving(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word moving)
{
	/* Who read it in place is not known any more, so everybody may. */
	uint32_t viewer = load_relaxed(&segment->header->viewers) ? OWNER_MANY : OWNER_NONE;
	/* It was DEAD, or READY if this was a redrive: nothing says so but its receive count. */
	enum slot_state state = seg_is_used_up(segment, moving) ? SLOT_DEAD : SLOT_READY;
	struct slot_word before = word_with_deadline(word_with_owner(word_with_state(moving, state), viewer), 0);

	return seg_handle_is_gone(segment, word_owner(moving), word_serial(moving)) &&
	       move_undo(segment, ring, slot, moving, before);
}

/* Notes where messages of this queue are moved to, for who looks for the other half of a move. */
static void target_note(struct segment *source, uint64_t file)
{
	atomic_u64 *target = source->header->move_target;

	for (uint32_t i = 0; i < SEG_TARGET_COUNT; i++) {
		uint64_t seen = load_acquire(&target[i]);

		if (seen == 0 && cas_seq(&target[i], 0, file)) {
			CRASH_POINT(move_target_noted);
			return;
		}
		if (load_acquire(&target[i]) == file)
			return;
	}
	store_seq(&target[SEG_TARGET_COUNT - 1], UINT64_MAX); /* too many */
	CRASH_POINT(move_target_noted);
}

/* To a durable queue: else the journal would miss the message in both, or have it in both, or get more than it
 * keeps room for. -EAGAIN: when the next turn is done. */
static int may_be_moved(const struct segment *source, struct segment *target, const struct slot *at)
{
	struct slot_message message = message_read(&at->message);
	int error;

	if (!seg_is_journaled(target) || (source->has_marks && !seg_is_journaled(source)))
		return RLQ_EENGINE;
	error = seg_journal_room(target);
	if (error || seg_moves_admit(target->directory->engine,
				     (uint64_t)message.body_bytes + message.extra_bytes + MOVE_EXTRA_BYTES))
		return error;
	os_clock_read(&target->clock);
	seg_want_turn(target);
	return -EAGAIN;
}

int seg_move(struct segment *source, uint32_t ring, uint32_t slot, struct slot_word from, struct segment *target,
	     enum move_kind kind)
{
	struct slot *at = &source->ring[ring].slots[slot];
	struct slot_word moving = word_with_deadline(
		word_with_owner(word_with_state(from, SLOT_MOVING), source->row), source->serial);
	struct ring_claim claim;
	struct slot_word moved, arriving;
	int error = seg_enter(target), to;

	if (error)
		return error;
	error = target->has_marks ? may_be_moved(source, target, at) : 0;
	if (error) {
		seg_leave(target);
		return error;
	}
	target_note(source, target->file);
	if (!slot_change(at, from, moving)) {
		seg_leave(target);
		return RLQ_ESTALE;
	}
	CRASH_POINT(move_claimed);
	to = arrive_prepare(source, ring, slot, moving, target, kind, &claim);
	if (to < 0) {
		/* Deleted while it was copied: what was wrong with the copy is nobody's business. */
		error = move_undo(source, ring, slot, moving, from) ? to : RLQ_ESTALE;
		seg_leave(target);
		return error;
	}
	/* Read before the decision: afterwards anybody may finish, and the slot be used again. */
	arriving = slot_read(&target->ring[to].slots[claim.slot]);
	moved = word_moved(moving, my_place((uint32_t)to, claim.slot, arriving));
	/* [M1] The decision. Killed before: the message is the source's. After: the target's. It fails if the
	 * last holder has deleted the message; then the copy, which nobody could receive, goes too. */
	if (slot_change(at, moving, moved)) {
		/* Before the copy can be received: whoever deletes it counts on the journal looking here. */
		ring_mark(&source->ring[ring], slot);
		CRASH_POINT(move_decided);
		move_complete(source, ring, slot, moved, target, (uint32_t)to, claim.slot, arriving);
	} else {
		arriving_give_up(target, (uint32_t)to, &claim);
		error = RLQ_ESTALE;
	}
	seg_leave(target);
	return error;
}

/* ---- to the DLQ ------------------------------------------------------------------------------- */

int seg_dlq(struct segment *segment, struct segment **ret_target)
{
	uint64_t which = seg_attribute(segment, ATTRIBUTE_DLQ);
	char name[SEG_NAME_MAX + 1];
	int error;

	*ret_target = NULL;
	if (which == 0 || seg_attribute(segment, ATTRIBUTE_RECEIVES_MAX) == 0)
		return 0;
	if (which > 2)
		return RLQ_EDAMAGED;
	memcpy(name, segment->header->dlq_name[which - 1], SEG_NAME_MAX);
	name[SEG_NAME_MAX] = '\0';
	if (segment->peer && (strcmp(segment->peer->name, name) != 0 ||
			      (load_relaxed(&segment->peer->header->rings) & RINGS_REMOVED))) {
		seg_close(segment->peer);
		segment->peer = NULL;
	}
	if (segment->peer == NULL) {
		error = seg_name_is_valid(name) ? seg_open(segment->directory, name, &segment->peer) : RLQ_EDAMAGED;
		if (error)
			return error == -ENOENT ? RLQ_ENODLQ : error;
	}
	*ret_target = segment->peer;
	return 0;
}

int seg_bury(struct segment *segment, uint32_t ring, uint32_t slot, struct slot_word dead)
{
	struct segment *target;
	int error = seg_dlq(segment, &target);

	if (error == RLQ_ENODLQ || (error == 0 && target == NULL)) {
		/* As AWS: without a DLQ the message stays in its queue. */
		if (seg_make_ready(segment, ring, slot, dead))
			seg_notify(segment, 1);
		store_relaxed(&segment->header->dlq_error, (uint64_t)-error);
		CRASH_POINT(move_error_noted);
		return RLQ_ENODLQ;
	}
	if (error == 0)
		error = seg_move(segment, ring, slot, dead, target, MOVE_TO_DLQ);
	if (error != RLQ_ESTALE && error != -EAGAIN)
		store_relaxed(&segment->header->dlq_error, (uint64_t)-error); /* relaxed: only shown */
	CRASH_POINT(move_error_noted);
	return error;
}

/* ---- finishing for others --------------------------------------------------------------------- */

/* The slot a place names, with its word, if it has just that generation; NULL if not. */
static struct slot *slot_of_place(struct segment *segment, uint64_t packed, uint32_t *ret_ring, uint32_t *ret_slot,
				  struct slot_word *ret_word)
{
	struct place place = place_unpack(packed);
	const struct ring *ring = &segment->ring[place.ring];

	if (!rings_contain(segment->rings, place.ring) || place.slot > ring->mask)
		return NULL;
	*ret_word = slot_read_stable(&ring->slots[place.slot]);
	if ((word_generation(*ret_word) & PLACE_GENERATION_MASK) != place.generation)
		return NULL;
	*ret_ring = place.ring;
	*ret_slot = place.slot;
	return &ring->slots[place.slot];
}

/* For the other half of a move that its owner left behind. Only files that can have it are opened: what is
 * wrong with other queues is nobody's business here. */
struct search {
	struct segment *self;
	uint32_t ring, slot; /* ours */
	struct slot_word word;
	uint64_t file[SEG_TARGET_COUNT]; /* that may have the other half; UINT64_MAX: any */
	uint64_t incarnation;		 /* of the queue that has it; 0: any but ours */
	uint64_t place;			 /* where it should be there */
	enum slot_state state;
	/* Called with what is there in that state; judges whether it is ours, and finishes the move. */
	void (*finish)(struct search *search, struct segment *other, uint32_t ring, uint32_t slot,
		       struct slot_word word);
	bool found;   /* the queue is there */
	bool blocked; /* a queue that may have it could not be looked into */
	bool settled;
};

bool seg_has_copy(struct segment *target, const struct segment *source, uint32_t ring, uint32_t slot,
		  struct slot_word moved, uint32_t *ret_ring, uint32_t *ret_slot, struct slot_word *ret_word)
{
	const struct slot *copy = slot_of_place(target, moved.bits.high, ret_ring, ret_slot, ret_word);
	struct origin origin;

	if (copy == NULL)
		return false;
	origin_read(copy, &origin);
	return origin.incarnation == source->incarnation && origin.place == my_place(ring, slot, moved) &&
	       origin.copy == my_place(*ret_ring, *ret_slot, *ret_word);
}

static bool may_be_in(const struct search *search, uint64_t file)
{
	for (uint32_t i = 0; i < SEG_TARGET_COUNT; i++)
		if (search->file[i] != 0 && (search->file[i] == file || search->file[i] == UINT64_MAX))
			return true;
	return false;
}

static bool is_searched(const struct search *search, const struct segment *other)
{
	return search->incarnation ? other->incarnation == search->incarnation
				   : other->incarnation != search->self->incarnation;
}

/* Can the queue never be used any more? Then what it holds is as good as gone with it. Else it may be opened
 * another time, or by who has the right. */
static bool is_for_good(int error)
{
	return error == -ENOENT || error == RLQ_EREMOVED || error == RLQ_EBOOT || error == RLQ_EDAMAGED ||
	       error == RLQ_EVERSION;
}

static int look_into(void *context, const char *name)
{
	struct search *search = context;
	struct segment *other;
	struct slot_word word;
	uint32_t ring, slot;
	int error;

	if (!may_be_in(search, seg_file_number(search->self->directory, name)))
		return 0;
	error = seg_open(search->self->directory, name, &other);
	if (error) {
		search->blocked |= !is_for_good(error);
		return 0;
	}
	if (is_searched(search, other) && seg_enter(other) == 0) {
		search->found = true;
		if (slot_of_place(other, search->place, &ring, &slot, &word)) {
			/* Whoever made it READY may not have come to that: the journal must find the copy in the
			 * turn in which it misses the source. */
			ring_mark(&other->ring[ring], slot);
			if (word_state(word) == search->state)
				search->finish(search, other, ring, slot, word);
		}
		seg_leave(other);
	}
	seg_close(other);
	return 0;
}

/* False: a queue that may have it could not be asked, so nothing is known of it. */
static bool look_everywhere(struct search *search)
{
	return seg_directory_list(search->self->directory, NULL, look_into, search) == 0 && !search->blocked;
}

/* There is an ARRIVING where our MOVED says: does it come from us? */
static void finish_arriving(struct search *search, struct segment *other, uint32_t ring, uint32_t slot,
			    struct slot_word word)
{
	struct origin origin;

	origin_read(&other->ring[ring].slots[slot], &origin);
	if (origin.incarnation == search->self->incarnation &&
	    origin.place == my_place(search->ring, search->slot, search->word) && arrive(other, ring, slot, word)) {
		seg_count(&other->me->sent, 1);
		seg_notify(other, 1);
	}
}

bool seg_finish_moved(struct segment *source, uint32_t ring, uint32_t slot, struct slot_word moved)
{
	struct search search = {.self = source,
				.ring = ring,
				.slot = slot,
				.word = moved,
				.place = moved.bits.high,
				.state = SLOT_ARRIVING,
				.finish = finish_arriving};

	for (uint32_t i = 0; i < SEG_TARGET_COUNT; i++)
		search.file[i] = load_acquire(&source->header->move_target[i]);
	/* The copy is ARRIVING, or it has arrived already; only when every queue that may have it has been
	 * asked may the source go. */
	if (!look_everywhere(&search) || !message_free(source, ring, slot, moved))
		return false;
	seg_count(&source->me->left, 1);
	seg_count(&source->me->moved, 1);
	return true;
}

/* There is a MOVED where our ARRIVING comes from: has it decided for us? */
static void finish_moved(struct search *search, struct segment *other, uint32_t ring, uint32_t slot,
			 struct slot_word word)
{
	if (word.bits.high != my_place(search->ring, search->slot, search->word))
		return;
	move_complete(other, ring, slot, word, search->self, search->ring, search->slot, search->word);
	search->settled = true;
}

bool seg_settle_arriving(struct segment *target, uint32_t ring, uint32_t slot, struct slot_word arriving)
{
	struct search search = {.self = target,
				.ring = ring,
				.slot = slot,
				.word = arriving,
				.state = SLOT_MOVED,
				.finish = finish_moved};
	struct origin origin;

	if (!seg_handle_is_gone(target, word_owner(arriving), word_serial(arriving)))
		return false;
	origin_read(&target->ring[ring].slots[slot], &origin);
	if (origin.copy != my_place(ring, slot, arriving)) /* not whole, so nothing was decided */
		return message_free(target, ring, slot, arriving);
	search.incarnation = origin.incarnation;
	search.place = origin.place;
	search.file[0] = origin.file;
	if (!look_everywhere(&search))
		return false;
	if (search.found)
		return search.settled || message_free(target, ring, slot, arriving);
	if (!arrive(target, ring, slot, arriving))
		return false;
	seg_count(&target->me->sent, 1);
	seg_notify(target, 1);
	return true;
}
