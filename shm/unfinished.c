/* Moves that their owners left unfinished: MOVED or ARRIVING of the dead, whose other half is in a queue that has
 * to be found. */
#include "ringlease.h"
#include "shm/arrival.h"
#include "shm/message.h"
#include "shm/move.h"

#include <errno.h>

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
	return origin.incarnation == source->incarnation && origin.place == place_at(ring, slot, moved) &&
	       origin.copy == place_at(*ret_ring, *ret_slot, *ret_word);
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
	    origin.place == place_at(search->ring, search->slot, search->word) && arrive(other, ring, slot, word)) {
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
	if (word.bits.high != place_at(search->ring, search->slot, search->word))
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
	if (origin.copy != place_at(ring, slot, arriving)) /* not whole, so nothing was decided */
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
