/* Who sends, helps, frees, takes back, purges and replaces tables, and what must hold whatever they do. */
#include "tests/interleave/dedup_world.h"
#include "tests/interleave/explore.h"

#include <stdio.h>
#include <string.h>

enum { CELLS_MAX = 4, TABLE_WORDS = (128 + 64 * CELLS_MAX) / 8, TRIES = 3 };

static _Alignas(128) struct {
	uint64_t tables[DEDUP_TABLES][TABLE_WORDS];
	struct slot slots[DEDUP_MESSAGES];
	struct dedup_marks marks;
	atomic_u64 sequence, list;
	atomic_u64 joined[DEDUP_MESSAGES];	/* what a chain says */
	uint64_t seen[DEDUP_TABLES][CELLS_MAX]; /* control words after the last step */
	struct dedup_account accounts[DEDUP_MESSAGES];
	uint64_t old_list[ACTORS_MAX];
	uint8_t message_of[ACTORS_MAX];
	uint8_t padding[2];
} all;

static struct ring slots_ring;
static struct dedup_table tables[DEDUP_TABLES];

/* ---- the view ---------------------------------------------------------------------------------------- */

static struct dedup view_of(uint64_t list)
{
	struct dedup view = {.rings = &slots_ring,
			     .listed = 1,
			     .marks = &all.marks,
			     .sequence = &all.sequence,
			     .window_ms = DEDUP_WINDOW,
			     .ids_max = 2};

	for (int i = 0; i < DEDUP_TABLES; i++)
		if (list >> i & 1)
			view.table[view.count++] = tables[i];
	return view;
}

static uint64_t link_of(unsigned message)
{
	return link_pack(0, message, DEDUP_GENERATION);
}

static struct dedup_message message_of(unsigned number)
{
	const struct dedup_account *account = &all.accounts[number];

	return (struct dedup_message){
		.link = link_of(number),
		.key = {0, account->key},
		.id = {number + 1, 0},
		.sequence = account->sequence,
		.boot_ms = account->boot_ms,
		.purged = account->purged,
	};
}

static bool is_writing(unsigned message)
{
	return all.slots[message].word.low == word_make(SLOT_WRITING, DEDUP_GENERATION, 1, 0, 0).bits.low;
}

/* ---- what must hold ------------------------------------------------------------------------------------ */

/* All who decide a message hear the same. LATE of one that somebody has published already changes nothing. */
static void note_decision(unsigned message, enum dedup_result result)
{
	struct dedup_account *account = &all.accounts[message];

	if (result == DEDUP_DAMAGED || result == DEDUP_STALE)
		explore_fail("deciding message %llu: damaged, or stale again and again", message);
	if (result == DEDUP_FIRST)
		account->is_first = 1;
	if (result == DEDUP_DUPLICATE || (result == DEDUP_LATE && is_writing(message)))
		account->goes = 1;
	if (account->is_first && account->goes)
		explore_fail("two who decide message %llu disagree", message);
}

/* An entry that is TAKEN leads to its message; one that is COMPLETE says what the message said. */
static void follow_entry(const struct dedup_entry *entry)
{
	uint64_t control = entry->control;
	unsigned number = link_slot(control);
	struct slot_word word = {{.low = all.slots[number % DEDUP_MESSAGES].word.low}};
	struct dedup_message message = message_of(number % DEDUP_MESSAGES);

	if (control == DEDUP_EMPTY || control == DEDUP_SEALED || dedup_is_late(control))
		return;
	all.accounts[number % DEDUP_MESSAGES].voided = entry->voided;
	if (dedup_is_taken(control) && !link_is_of(control, word))
		explore_fail("the entry of message %llu names a slot that has moved on", number);
	if (!dedup_is_taken(control) && (entry->key[1] != message.key[1] || entry->id[0] != message.id[0] ||
					 entry->sequence != message.sequence || entry->boot_ms != message.boot_ms))
		explore_fail("the entry of message %llu is complete, but not whole", number);
}

static void monitor(void)
{
	for (int t = 0; t < DEDUP_TABLES; t++)
		for (unsigned i = 0; i < 1u << tables[t].order; i++) {
			const struct dedup_entry *entry = &tables[t].entries[i];
			uint64_t from = all.seen[t][i], to = entry->control;

			follow_entry(entry);
			if (from == to)
				continue;
			if (from != DEDUP_EMPTY && !(dedup_is_taken(from) && to == dedup_complete_of(from)))
				explore_fail("cell %llu: a transition that nobody drew", i);
			all.seen[t][i] = to;
		}
}

/* Does the first bar the second, by the rules? */
static bool bars(unsigned first, unsigned second)
{
	const struct dedup_account *one = &all.accounts[first], *other = &all.accounts[second];

	return one->is_first && one->key == other->key && (int64_t)(other->boot_ms - one->boot_ms) < DEDUP_WINDOW &&
	       one->sequence > other->purged &&
	       (one->voided == 0 || (one->voided != DEDUP_VOIDING && other->sequence <= one->voided));
}

static void check_firsts(void)
{
	for (unsigned i = 0; i < DEDUP_MESSAGES; i++)
		for (unsigned j = i + 1; j < DEDUP_MESSAGES; j++)
			if (all.accounts[j].is_first && bars(i, j) && (all.accounts[i].was_there || bars(j, i)))
				explore_fail("messages of key %llu are first twice", all.accounts[i].key);
}

/* ---- deciding ------------------------------------------------------------------------------------------ */

static enum dedup_result decide(unsigned number, const struct dedup_message *message, uint64_t list,
				struct dedup_answer *ret)
{
	enum dedup_result result = DEDUP_STALE;

	for (int tries = 0; tries < TRIES && result == DEDUP_STALE; tries++) {
		struct dedup view = view_of(list != 0 ? list : load_seq(&all.list));

		list = 0;
		result = dedup_decide(&view, message, ret);
	}
	note_decision(number, result);
	return result;
}

static void act(unsigned number, const struct dedup_message *message, enum dedup_result result,
		const struct dedup_answer *answer)
{
	struct slot_word writing = word_make(SLOT_WRITING, DEDUP_GENERATION, 1, 0, 0);

	if (result == DEDUP_FIRST) {
		dedup_fill(answer->entry, message);
		slot_change_low(&all.slots[number], writing, word_with_state(writing, SLOT_READY));
	} else if (result == DEDUP_DUPLICATE || result == DEDUP_LATE) {
		slot_change_low(&all.slots[number], writing, word_with_state(writing, SLOT_HELD));
	}
}

static void help(int actor, unsigned number)
{
	struct dedup_message message;
	struct dedup_answer answer;
	struct dedup view = view_of(LIST_BOTH);

	explore_doing(actor, "help");
	if (!load_acquire(&all.joined[number]) || word_state(slot_read(&all.slots[number])) != SLOT_WRITING ||
	    !dedup_read(&view, link_of(number), &message))
		return;
	act(number, &message, decide(number, &message, 0, &answer), &answer);
}

/* ---- the actors ------------------------------------------------------------------------------------------ */

static void write_message(unsigned number)
{
	struct slot *slot = &all.slots[number];

	slot->word.low = word_make(SLOT_WRITING, DEDUP_GENERATION, 1, 0, 0).bits.low;
	slot->message.id[0] = number + 1;
}

static void join(unsigned number, uint64_t sequence)
{
	store_relaxed(&fifo_links(&all.slots[number])->sequence, sequence);
	all.accounts[number].sequence = sequence;
	store_release(&all.joined[number], 1);
}

static void sender_turn(int actor)
{
	unsigned number = all.message_of[actor];
	struct dedup_message message = message_of(number);
	struct dedup view = view_of(LIST_BOTH);
	struct dedup_answer answer;

	explore_doing(actor, "send");
	dedup_stamp(&view, &all.slots[number], message.boot_ms, &message);
	all.accounts[number].purged = message.purged;
	message.sequence = fetch_add_seq(&all.sequence, 1) + 1;
	join(number, message.sequence);
	explore_doing(actor, "decide");
	act(number, &message, decide(number, &message, all.old_list[actor], &answer), &answer);
	explore_finish(actor);
}

/* The owner of what was decided long ago by others: it has a copy, and does not look at its slot. */
static void owner_turn(int actor)
{
	unsigned number = all.message_of[actor];
	struct dedup_message message = message_of(number);
	struct dedup_answer answer;

	explore_doing(actor, "decide");
	act(number, &message, decide(number, &message, 0, &answer), &answer);
	explore_finish(actor);
}

static void helper_turn(int actor)
{
	help(actor, all.message_of[actor]);
	explore_finish(actor);
}

static bool is_ready(unsigned number)
{
	return word_state(slot_read(&all.slots[number])) == SLOT_READY;
}

/* Another message is written there. */
static void use_again(unsigned number)
{
	struct slot *slot = &all.slots[number];
	struct slot_word word = slot_read(slot);

	if (!slot_change_low(slot, word, word_freed(word)))
		return;
	store_relaxed((atomic_u64 *)(void *)&slot->message.id[0], 99);
	for (size_t i = 0; i < sizeof(struct fifo_links) / 8; i++)
		store_relaxed((atomic_u64 *)(void *)slot->message.inline_bytes + i, 99);
}

static void freer_turn(int actor)
{
	unsigned number = all.message_of[actor];

	explore_doing(actor, "free");
	if (is_ready(number))
		use_again(number);
	explore_finish(actor);
}

static void voider_turn(int actor)
{
	unsigned number = all.message_of[actor];
	struct dedup view = view_of(LIST_OLDER);
	struct dedup_message message = message_of(number);

	explore_doing(actor, "void");
	dedup_void(&view, &message);
	use_again(number);
	explore_finish(actor);
}

static void purger_turn(int actor)
{
	struct dedup view = view_of(LIST_OLDER);

	explore_doing(actor, "purge");
	dedup_purge(&view);
	explore_finish(actor);
}

static void appender_turn(int actor)
{
	explore_doing(actor, "append");
	store_seq(&all.list, LIST_BOTH);
	explore_finish(actor);
}

static void dropper_turn(int actor)
{
	struct dedup view = view_of(LIST_BOTH);
	struct dedup_settling settling = {0};
	uint64_t link;

	explore_doing(actor, "settle");
	dedup_begin_settling(&view, &settling);
	settling.asked_ms = DEDUP_LATER;
	for (int tries = 0; tries < TRIES; tries++)
		if (dedup_settle(&view, &settling, CELLS_MAX, &link) == DEDUP_HELP)
			help(actor, link_slot(link));
	explore_doing(actor, "drop");
	if (dedup_may_drop(&view, &settling, DEDUP_LATER + DEDUP_PURGE_MARGIN_MS))
		store_seq(&all.list, LIST_NEWER);
	explore_finish(actor);
}

/* ---- the end ----------------------------------------------------------------------------------------------- */

/* One more message of each key is first, or a duplicate, as the rules say. */
static void try_once_more(unsigned key)
{
	enum { LAST = DEDUP_MESSAGES - 1 };
	struct dedup_account *account = &all.accounts[LAST];
	struct dedup view = view_of(all.list);
	struct dedup_message message;
	struct dedup_answer answer;
	enum dedup_result result;
	bool is_barred = false;

	*account = (struct dedup_account){.key = (uint8_t)key, .boot_ms = DEDUP_LATER};
	message = message_of(LAST);
	write_message(LAST);
	dedup_stamp(&view, &all.slots[LAST], DEDUP_LATER, &message);
	account->purged = message.purged;
	message.sequence = fetch_add_seq(&all.sequence, 1) + 1;
	join(LAST, message.sequence);
	for (unsigned i = 0; i < LAST; i++)
		is_barred = is_barred || bars(i, LAST);
	result = decide(LAST, &message, 0, &answer);
	if (result != (is_barred ? DEDUP_DUPLICATE : DEDUP_FIRST))
		explore_fail("key %llu is known, or unknown, against the rules", key);
}

/* What a dead one has begun to take back. */
static void finish_voids(void)
{
	struct dedup view = view_of(all.list);

	for (unsigned i = 0; i < DEDUP_MESSAGES; i++) {
		struct dedup_message message = message_of(i);

		if (all.accounts[i].voided == DEDUP_VOIDING)
			dedup_void(&view, &message);
	}
}

static void at_end(void)
{
	static typeof(all) saved;

	memcpy(&saved, &all, sizeof(all));
	for (unsigned i = 0; i < DEDUP_MESSAGES - 1; i++)
		help(ACTORS_MAX, i);
	check_firsts();
	finish_voids();
	for (unsigned key = 1; key < DEDUP_KEYS && !explore_failed(); key++) {
		try_once_more(key);
#ifdef RL_WEAK /* what it keeps of each word is not put back */
		break;
#endif
		memcpy(&all, &saved, sizeof(all));
	}
}

static bool is_in(const void *address, const void *from, size_t bytes)
{
	return (const char *)address >= (const char *)from && (const char *)address < (const char *)from + bytes;
}

static void show(const void *address, char *text, size_t bytes)
{
	unsigned long long value = *(const uint64_t *)address;
	size_t at = (size_t)((const char *)address - (const char *)all.tables);

	if (is_in(address, all.tables, sizeof(all.tables)))
		snprintf(text, bytes, "table %zu cell %zd word %zu = %#llx", at / sizeof(all.tables[0]),
			 (ssize_t)(at % sizeof(all.tables[0]) / 64) - 2, at % 64 / 8, value);
	else if (is_in(address, all.slots, sizeof(all.slots)))
		snprintf(text, bytes, "slot %zu word %#llx", (size_t)((const struct slot *)address - all.slots),
			 value);
	else
		snprintf(text, bytes, "%s = %llu",
			 address == &all.sequence	    ? "sequence"
			 : address == &all.list		    ? "list"
			 : address == &all.marks.purged	    ? "purged"
			 : address == &all.marks.horizon_ms ? "horizon"
							    : "joined",
			 value);
}

static const struct explore_model model = {.after_step = monitor, .at_end = at_end, .show = show};

/* ---- building ------------------------------------------------------------------------------------------------ */

/* All of a message but the low half of its word, and all of an entry but control and voided: in one step with what
 * was accessed before. */
static bool is_in_slot(const void *address)
{
	size_t offset = (size_t)((const char *)address - (const char *)all.slots);

	return is_in(address, all.slots, sizeof(all.slots)) && offset % sizeof(struct slot) != 0;
}

/* The same, but the key of a message is a step of its own: between it and the link that leads there anything may
 * come. */
static bool is_behind_key(const void *address)
{
	return is_in_slot(address) &&
	       (size_t)((const char *)address - (const char *)all.slots) % sizeof(struct slot) !=
		       offsetof(struct slot, message.inline_bytes) + offsetof(struct fifo_links, key);
}

static bool is_copied(const void *address)
{
	size_t word = (size_t)((const char *)address - (const char *)all.tables) % 64 / 8;

	return is_in_slot(address) || (is_in(address, all.tables, sizeof(all.tables)) && word != 0 && word != 7);
}

void dedup_world_begin(uint32_t order, uint64_t list, bool words_apart)
{
	explore_begin(&model);
	memset(&all, 0, sizeof(all));
	slots_ring = (struct ring){.slots = all.slots, .order = 2, .mask = DEDUP_MESSAGES - 1};
	for (int i = 0; i < DEDUP_TABLES; i++) {
		dedup_table_place(&tables[i], all.tables[i], order);
		tables[i].head->window_ms = DEDUP_WINDOW;
	}
	all.list = list;
	explore_join(words_apart ? is_behind_key : is_copied);
	explore_remember(&all, sizeof(all));
}

void dedup_start_first(unsigned message, unsigned key, uint64_t boot_ms, bool is_published)
{
	struct dedup view = view_of(LIST_OLDER);
	struct dedup_message made;
	struct dedup_answer answer;

	all.accounts[message] = (struct dedup_account){.key = (uint8_t)key, .boot_ms = boot_ms, .was_there = 1};
	made = message_of(message);
	write_message(message);
	dedup_stamp(&view, &all.slots[message], boot_ms, &made);
	join(message, made.sequence = ++all.sequence);
	note_decision(message, dedup_decide(&view, &made, &answer));
	if (is_published)
		act(message, &made, DEDUP_FIRST, &answer);
}

static int add(const char *name, void (*turn)(int actor), unsigned message, bool is_mortal)
{
	int actor = explore_add_actor(name, turn, is_mortal);

	all.message_of[actor] = (uint8_t)message;
	return actor;
}

int add_dedup_sender(const char *name, unsigned message, unsigned key, uint64_t boot_ms, uint64_t old_list)
{
	int actor = add(name, sender_turn, message, true);

	write_message(message);
	all.accounts[message] = (struct dedup_account){.key = (uint8_t)key, .boot_ms = boot_ms};
	all.old_list[actor] = old_list;
	return actor;
}

int add_dedup_helper(const char *name, unsigned message)
{
	return add(name, helper_turn, message, true);
}

int add_dedup_owner(const char *name, unsigned message)
{
	return add(name, owner_turn, message, true);
}

int add_dedup_freer(const char *name, unsigned message)
{
	return add(name, freer_turn, message, true);
}

int add_dedup_voider(const char *name, unsigned message)
{
	return add(name, voider_turn, message, true);
}

int add_dedup_purger(const char *name)
{
	return add(name, purger_turn, 0, true);
}

int add_dedup_appender(const char *name)
{
	return add(name, appender_turn, 0, false);
}

int add_dedup_dropper(const char *name)
{
	return add(name, dropper_turn, 0, true);
}
