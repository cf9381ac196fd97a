#include "tests/weak/model.h"
#include "tests/weak/views.h"

#include <stdatomic.h>
#include <string.h>

static unsigned asks(int order)
{
	const struct site_frame *frame = memory.amid[explore_current()];
	unsigned has = order == memory_order_seq_cst   ? ORDER_ALL
		       : order == memory_order_acq_rel ? ORDER_ACQUIRE | ORDER_RELEASE
		       : order == memory_order_release ? ORDER_RELEASE
		       : order == memory_order_relaxed ? 0
						       : ORDER_ACQUIRE;

	for (; frame; frame = frame->outer)
		has &= frame->site->left;
	return has;
}

/* ---- load ----------------------------------------------------------------------------------------- */

static unsigned oldest_readable(unsigned word, unsigned order)
{
	unsigned known = mine(KNOWN)->at[word];

	return order & ORDER_SEQ && memory.views[SEQ].at[word] > known ? memory.views[SEQ].at[word] : known;
}

static void read_message(unsigned word, unsigned index, unsigned order)
{
	const view *released = &message_at(word, index)->released;
	view *known = mine(KNOWN);

	if (known->at[word] < index)
		known->at[word] = (uint8_t)index;
	if (order & ORDER_ACQUIRE)
		join(known, released);
	else if (search.has_fences)
		join(mine(LOADED), released);
	if (index != newest(word) && memory.stale_left != STALE_FREE)
		memory.stale_left--;
}

/* Does reading an older message say the same, and bind less? */
static bool is_pointless(unsigned word, unsigned index, unsigned oldest)
{
	const struct message *this = message_at(word, index);

	for (unsigned i = oldest; i < index; i++) {
		const struct message *other = message_at(word, i);

		if (other->value == this->value && is_covered(&other->released, &this->released, mine(KNOWN)))
			return true;
	}
	return false;
}

/* The `number`-th message that a load may read: the newest, then the stale ones. */
static bool readable(unsigned word, unsigned order, unsigned number, unsigned *ret_index)
{
	unsigned oldest = oldest_readable(word, order);

	*ret_index = newest(word);
	for (unsigned i = newest(word); number > 0;) {
		if (memory.stale_left == 0 || i == oldest)
			return false;
		if (!is_pointless(word, --i, oldest)) {
			*ret_index = i;
			number--;
		}
	}
	return true;
}

static unsigned readable_count(unsigned word, unsigned order)
{
	unsigned count = 1, index;

	while (readable(word, order, count, &index))
		count++;
	return count;
}

uint64_t model_load(const volatile void *address, size_t bytes, int order)
{
	int word = word_find(address);
	unsigned index, asked = asks(order) & (search.only_acquires ? ORDER_ACQUIRE : ORDER_ALL);
	uint64_t value;

	if (word < 0)
		return now_at((const void *)address, bytes);
	readable((unsigned)word, asked, explore_choose(readable_count((unsigned)word, asked)), &index);
	value = message_at((unsigned)word, index)->value;
	read_message((unsigned)word, index, asked);
	forget_old();
	return value;
}

/* ---- store and RMW -------------------------------------------------------------------------------- */

static void write_word(unsigned word, uint64_t value, unsigned order, const view *continued)
{
	view released = *mine(order & ORDER_RELEASE ? KNOWN : FENCED);

	if (continued)
		join(&released, continued);
	write_behind(word, value, &released);
	if (order & ORDER_SEQ)
		memory.views[SEQ].at[word] = (uint8_t)newest(word);
	memcpy((void *)words[word].address, &value, words[word].bytes);
}

void model_store(volatile void *address, size_t bytes, uint64_t value, int order)
{
	int word = word_of_write(address, bytes);

	if (word < 0) {
		memcpy((void *)address, &value, bytes);
		return;
	}
	write_word((unsigned)word, value, asks(order), NULL);
	forget_old();
}

/* Reads the newest message and writes behind it. */
static void change_word(unsigned word, uint64_t value, unsigned order)
{
	view continued = message_at(word, newest(word))->released;

	read_message(word, newest(word), order);
	write_word(word, value, order, &continued);
}

static uint64_t result_of(enum model_operation operation, uint64_t old, uint64_t operand)
{
	switch (operation) {
	case MODEL_ADD:
		return old + operand;
	case MODEL_OR:
		return old | operand;
	case MODEL_AND:
		return old & operand;
	default:
		return operand;
	}
}

uint64_t model_change(volatile void *address, size_t bytes, enum model_operation operation, uint64_t operand,
		      int order)
{
	int word = word_of_write(address, bytes);
	uint64_t old = now_at((const void *)address, bytes), value = result_of(operation, old, operand);

	if (word < 0) {
		memcpy((void *)address, &value, bytes);
		return old;
	}
	change_word((unsigned)word, value, asks(order));
	forget_old();
	return old;
}

/* The oldest stale message that a CAS may fail on; -1 if none. A younger one would only bind more. */
static int unfit(int word, uint64_t expected, unsigned order)
{
	if (memory.stale_left == 0)
		return -1;
	for (unsigned i = oldest_readable((unsigned)word, order); i < newest((unsigned)word); i++)
		if (message_at((unsigned)word, i)->value != expected)
			return (int)i;
	return -1;
}

bool model_cas(volatile void *address, size_t bytes, uint64_t expected, uint64_t desired, int order)
{
	int word = word_find(address), stale;
	bool fits = now_at((const void *)address, bytes) == expected;
	unsigned asked = asks(order);

	if (word < 0) {
		if (fits)
			model_store(address, bytes, desired, order);
		return fits;
	}
	stale = unfit(word, expected, asked);
	if (stale >= 0 && explore_choose(2) == 1) {
		read_message((unsigned)word, (unsigned)stale, asked);
		fits = false;
	} else if (fits) {
		change_word((unsigned)word, desired, asked);
	} else {
		read_message((unsigned)word, newest((unsigned)word), asked);
	}
	forget_old();
	return fits;
}

bool model_cas_pair(volatile void *address, unsigned __int128 expected, unsigned __int128 desired, int order)
{
	volatile unsigned char *at = address;
	int low = word_find(at), high = word_find(at + 8), stale[2];
	uint64_t want[2] = {(uint64_t)expected, (uint64_t)(expected >> 64)};
	bool fits = now_at((const void *)at, 8) == want[0] && now_at((const void *)(at + 8), 8) == want[1];
	unsigned asked = asks(order), chosen;

	if (low < 0 || high < 0) {
		if (fits) {
			model_store(at, 8, (uint64_t)desired, order);
			model_store(at + 8, 8, (uint64_t)(desired >> 64), order);
		}
		return fits;
	}
	stale[0] = unfit(low, want[0], asked);
	stale[1] = unfit(high, want[1], asked);
	chosen = explore_choose(1 + (stale[0] >= 0) + (stale[1] >= 0));
	if (chosen > 0) {
		bool by_low = chosen == 1 && stale[0] >= 0;

		read_message((unsigned)(by_low ? low : high), (unsigned)stale[!by_low], asked);
		fits = false;
	} else if (fits) {
		view continued = message_at((unsigned)high, newest((unsigned)high))->released;

		/* One message in two words: each half carries the other. */
		read_message((unsigned)high, newest((unsigned)high), asked);
		join(&continued, &message_at((unsigned)low, newest((unsigned)low))->released);
		read_message((unsigned)low, newest((unsigned)low), asked);
		continued.at[low] = (uint8_t)(newest((unsigned)low) + 1);
		continued.at[high] = (uint8_t)(newest((unsigned)high) + 1);
		write_word((unsigned)high, (uint64_t)(desired >> 64), asked, &continued);
		write_word((unsigned)low, (uint64_t)desired, asked, &continued);
	} else {
		read_message((unsigned)low, newest((unsigned)low), asked);
		read_message((unsigned)high, newest((unsigned)high), asked);
	}
	forget_old();
	return fits;
}

/* ---- fences --------------------------------------------------------------------------------------- */

void model_fence(int order)
{
	unsigned asked;

	if (explore_current() == ACTORS_MAX)
		return;
	asked = asks(order);
	if (!search.has_fences) {
		search.has_fences = true; /* from now on loads are noted for them */
		begin_anew();
	}
	if (asked & ORDER_ACQUIRE)
		join(mine(KNOWN), mine(LOADED));
	if (asked & ORDER_SEQ) {
		join(mine(KNOWN), &memory.views[SEQ]);
		memory.views[SEQ] = *mine(KNOWN);
	}
	if (asked & ORDER_RELEASE)
		*mine(FENCED) = *mine(KNOWN);
	forget_old();
}

/* ---- plain data ----------------------------------------------------------------------------------- */

/* Reads by an actor are messages too, of a word made up for them: the address of a byte within. */
static const void *reads_of(const void *address, int actor)
{
	return (const char *)address + 1 + actor;
}

static bool knows_newest(int word)
{
	return mine(KNOWN)->at[word] == newest((unsigned)word);
}

static void note_data(const void *address)
{
	static const view nothing;
	int word = word_of_write(address, 1);

	if (word >= 0)
		write_behind((unsigned)word, 0, &nothing);
	forget_old();
}

void data_read(const void *address)
{
	int word;

	if (!search.judges_data || explore_current() == ACTORS_MAX)
		return;
	word = word_find(address);
	if (word >= 0 && !knows_newest(word))
		explore_fail("data race: read, not ordered after a write", 0);
	note_data(reads_of(address, explore_current()));
}

void data_written(const void *address)
{
	int word;

	if (!search.judges_data || explore_current() == ACTORS_MAX)
		return;
	for (int i = 0; i < explore_actor_count(); i++) {
		word = word_find(reads_of(address, i));
		if (word >= 0 && i != explore_current() && !knows_newest(word))
			explore_fail("data race: written, not ordered after a read", 0);
	}
	word = word_find(address);
	if (word >= 0 && !knows_newest(word))
		explore_fail("data race: written, not ordered after a write", 0);
	note_data(address);
}

/* ---- sites --------------------------------------------------------------------------------------- */

void site_enter(struct site_frame *frame, struct site *site)
{
	int actor = explore_current();

	site->is_reached = true;
	frame->site = site;
	frame->outer = memory.amid[actor];
	memory.amid[actor] = frame;
}

void site_leave(const struct site_frame *frame)
{
	memory.amid[explore_current()] = frame->outer;
}
