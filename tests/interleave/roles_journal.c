/* The engine as far as ring/ knows it: takes the marks, looks at what they point at, keeps a copy of that in memory
 * of its own, as a journal does, and makes durable what it has copied. */
#include "tests/interleave/world.h"

#include <string.h>

/* What a journal keeps of a slot. */
struct picture {
	uint64_t generation;
	uint32_t receives;
	uint32_t due_ms; /* if it is delayed */
	uint64_t has_message;
};

static struct {
	struct picture picture[SLOTS_MAX];
	int engine;
} journal;

static uint8_t changed_by[8]; /* who was the last to change a slot */
_Static_assert(sizeof(changed_by) >= SLOTS_MAX, "one for each slot");

static struct picture picture_of(struct slot_word word)
{
	enum slot_state state = word_state(word);
	bool is_delayed = state == SLOT_DELAYED || (state == SLOT_PENDING && word_owner(word) == PENDING_DELAYED);

	if (state != SLOT_PENDING && state != SLOT_READY && state != SLOT_LEASED && state != SLOT_DELAYED)
		return (struct picture){0};
	return (struct picture){.generation = word_generation(word),
				.receives = word_receives(word),
				.due_ms = is_delayed ? word_deadline_ms(word) : 0,
				.has_message = true};
}

/* Copies the slot; true if its message waits for that. */
static bool look(uint32_t slot)
{
	struct slot_word word = slot_read_stable(&ring.slots[slot]);

	journal.picture[slot] = picture_of(word);
	if (word_state(word) != SLOT_PENDING)
		return false;
	data_read(&ring.slots[slot].message.id[0]); /* nobody else has it before we have written it */
	return true;
}

/* Looks at all marked slots; returns those that are PENDING, bit set. */
static uint64_t look_at_marked(void)
{
	struct marks_taking taking = {0};
	uint64_t pending = 0, bits;
	uint32_t first;

	while (marks_take(&ring.marks, &taking, &first, &bits))
		for (; bits != 0; bits &= bits - 1) {
			uint32_t slot = first + (uint32_t)__builtin_ctzll(bits);

			pending |= (uint64_t)look(slot) << slot;
		}
	return pending;
}

static uint64_t look_at_all(void)
{
	uint64_t pending = 0;

	for (uint32_t slot = 0; slot < ring_slot_count(&ring); slot++)
		pending |= (uint64_t)look(slot) << slot;
	return pending;
}

static void make_durable(uint64_t pending)
{
	uint64_t again = 0, made = pending;

	for (; pending != 0; pending &= pending - 1) {
		uint32_t slot = (uint32_t)__builtin_ctzll(pending);

		if (!ring_durable(&ring, slot, slot_read(&ring.slots[slot]), &again))
			explore_fail("slot %llu did not stay PENDING", slot);
		monitor_step();
	}
	if (again != 0)
		ring_set_again_word(&ring, 0, again);
	for (; made != 0; made &= made - 1)
		check_readied((uint32_t)__builtin_ctzll(made));
}

static void engine_turn(int actor)
{
	uint64_t pending;

	explore_doing(actor, "look");
	pending = look_at_marked();
	explore_doing(actor, "durable");
	make_durable(pending);
	if (--world.actors[actor].left == 0)
		explore_finish(actor);
}

int add_engine(const char *name, unsigned turns)
{
	journal.engine = explore_add_actor(name, engine_turn, true);
	explore_remember_of(journal.engine, &journal, sizeof(journal));
	world.actors[journal.engine].left = (uint8_t)turns;
	return journal.engine;
}

void journal_begin(bool has_marks)
{
	memset(&journal, 0, sizeof(journal));
	memset(changed_by, NOBODY, sizeof(changed_by));
	journal.engine = has_marks ? ACTORS_MAX : NOBODY;
	if (has_marks)
		explore_remember(changed_by, sizeof(changed_by));
}

void journal_changed(uint32_t slot)
{
	if (ring_has_marks(&ring))
		changed_by[slot] = (uint8_t)explore_current();
}

void journal_note(uint32_t slot)
{
	look(slot);
}

bool journal_has(uint32_t slot, struct slot_word word)
{
	const struct picture *picture = &journal.picture[slot];

	/* Who acts in the final checks is an engine too. */
	return (explore_current() == journal.engine || explore_current() == ACTORS_MAX) && picture->has_message &&
	       picture->generation == word_generation(word);
}

static bool is_dead(int actor)
{
	return actor < explore_actor_count() && explore_actor(actor)->status == ACTOR_DEAD;
}

static void check_picture(uint32_t slot)
{
	struct slot_word word = slot_read(&ring.slots[slot]);
	struct picture now = picture_of(word);

	if (memcmp(&now, &journal.picture[slot], sizeof(now)) != 0)
		explore_fail("the journal has missed slot %llu", slot);
}

/* The changes of the living are found by their marks, but for those that a killed engine had in its hands; what the
 * killed may not have marked, by looking at all. */
void journal_check_end(void)
{
	uint64_t pending;

	if (!ring_has_marks(&ring))
		return;
	pending = look_at_marked();
	for (uint32_t slot = 0; slot < ring_slot_count(&ring); slot++)
		if (!is_dead(journal.engine) && !is_dead(changed_by[slot]))
			check_picture(slot);
	if (explore_any_death())
		pending = look_at_all();
	make_durable(pending);
	for (uint32_t slot = 0; slot < ring_slot_count(&ring); slot++)
		if (word_state(slot_read(&ring.slots[slot])) == SLOT_PENDING)
			explore_fail("slot %llu waits for the journal for ever", slot);
}
