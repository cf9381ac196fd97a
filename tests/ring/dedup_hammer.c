/* Threads send the same ids at once, and decide each other's messages, while tables come and go, ids are purged and
 * messages taken back. All who decide a message must agree, and of an id only one message in a window is first.
 * The clock is played, so a second passes in a few hundred sends. Needs ring/ only. */
#include "ring/dedup.h"
#include "tests/support/arguments.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SENDERS = 3,
	SLOTS = 64, /* of each */
	ORDER = 8,  /* of the ring */
#if defined(RL_TSAN)
	SENDS = 40000,
#else
	SENDS = 200000,
#endif
	IDS = 400,
	AT_ONCE = 8, /* sends of one id in a row, over all threads */
	WINDOW = 4000,
	LISTS_MAX = 4096,
	WINS_MAX = SENDS,
};

/* What was first. */
struct win {
	uint64_t id, boot_ms, sequence, purged;
	const struct dedup_entry *entry; /* NULL: its table has gone since */
};

struct sender {
	uint32_t number;
	uint64_t chance;
	struct dedup_quota quota;
	struct dedup_message sent[SLOTS]; /* what is in our slots */
	uint64_t id[SLOTS];
	uint64_t late, helped;
	struct win *wins;
	size_t win_count;
};

static struct ring ring;
static struct dedup_marks marks;
static atomic_u64 sequence, now = 1000000, sends, working = SENDERS;
static atomic_u64 list;		   /* the present struct dedup; older ones stay, so nobody is waited for */
static atomic_u64 crowded;	   /* a probe is full */
static atomic_u64 joined[SENDERS]; /* link of the last one that joined */
static struct sender senders[SENDERS];
static struct dedup lists[LISTS_MAX];
static size_t list_count, forgotten;

static void fail(const char *what, uint64_t id)
{
	printf("%s: id %llu\n", what, (unsigned long long)id);
	exit(1);
}

static const struct dedup *dedup_now(void)
{
	return (const struct dedup *)(uintptr_t)load_acquire(&list);
}

static struct slot *slot_at(uint64_t link)
{
	return &ring.slots[link_slot(link)];
}

/* ---- a decision, and what comes of it ------------------------------------------------------------------ */

static enum dedup_result decide(const struct dedup_message *message, struct dedup_answer *ret)
{
	enum dedup_result result;

	while ((result = dedup_decide(dedup_now(), message, ret)) == DEDUP_STALE || result == DEDUP_GROW)
		if (result == DEDUP_GROW)
			store_relaxed(&crowded, 1);
	if (result == DEDUP_DAMAGED)
		fail("damaged", message->key[1]);
	return result;
}

/* FIRST: WRITING -> READY, else WRITING -> HELD, by whoever comes first; all others must find it so. Who comes
 * after the table has gone hears LATE of what was published. */
static enum dedup_result settle_message(const struct dedup_message *message, struct dedup_answer *ret)
{
	struct slot *slot = slot_at(message->link);
	struct slot_word word = slot_read(slot);
	enum dedup_result result = decide(message, ret);
	enum slot_state to = result == DEDUP_FIRST ? SLOT_READY : SLOT_HELD;

	if (!link_is_of(message->link, word))
		return result;
	if (word_state(word) == SLOT_WRITING) {
		if (result == DEDUP_FIRST)
			dedup_fill(ret->entry, message);
		if (slot_change(slot, word, word_with_state(word, to)))
			return result;
	}
	word = slot_read(slot);
	if (link_is_of(message->link, word) && word_state(word) != to &&
	    !(result == DEDUP_LATE && word_state(word) == SLOT_READY))
		fail("two who decide disagree", message->key[1]);
	return result;
}

static void help(struct sender *me)
{
	uint64_t link = load_acquire(&joined[random_next(&me->chance) % SENDERS]);
	struct dedup_message message;
	struct dedup_answer answer;

	if (link == 0 || word_state(slot_read(slot_at(link))) != SLOT_WRITING ||
	    !dedup_read(dedup_now(), link, &message))
		return;
	settle_message(&message, &answer);
	me->helped++;
}

/* ---- sending --------------------------------------------------------------------------------------------- */

static void note_win(struct sender *me, uint32_t at, const struct dedup_answer *answer)
{
	const struct dedup_message *message = &me->sent[at];

	if (answer != NULL && (answer->sequence != message->sequence || answer->id[0] != me->id[at]))
		fail("an entry of another message", me->id[at]);
	me->wins[me->win_count++] = (struct win){
		.id = me->id[at],
		.boot_ms = message->boot_ms,
		.sequence = message->sequence,
		.purged = message->purged,
		.entry = answer != NULL ? answer->entry : NULL,
	};
}

/* The slot's last message goes: decided at the latest now, complete, and one in 32 was taken back. */
static void empty_slot(struct sender *me, uint32_t at)
{
	struct dedup_message *message = &me->sent[at];
	struct slot *slot = slot_at(message->link);
	struct dedup_answer answer;

	if (message->link == 0)
		return;
	switch (settle_message(message, &answer)) {
	case DEDUP_FIRST:
		note_win(me, at, &answer);
		if (random_next(&me->chance) % 32 == 0)
			while (dedup_void(dedup_now(), message) == DEDUP_STALE)
				;
		break;
	case DEDUP_DUPLICATE:
		if (answer.id[0] != me->id[at])
			fail("a duplicate of another id", me->id[at]);
		dedup_unreserve(dedup_now(), &me->quota);
		break;
	default:
		me->late++;
		if (word_state(slot_read(slot)) == SLOT_READY)
			note_win(me, at, NULL);
		break;
	}
	slot_change(slot, slot_read(slot), word_freed(slot_read(slot)));
	message->link = 0;
}

static void write_slot(struct sender *me, uint32_t at, uint64_t id)
{
	uint32_t index = me->number * SLOTS + at;
	struct slot *slot = &ring.slots[index];
	struct slot_word word = slot_read(slot);
	uint64_t generation = word_generation(word);
	struct dedup_message *message = &me->sent[at];

	if (!slot_change(slot, word, word_make(SLOT_WRITING, generation, 1, 0, 0)))
		fail("claim refused", id);
	*message = (struct dedup_message){.link = link_pack(0, index, generation),
					  .key = {id % 32 * UINT64_C(0x9e3779b97f4a7c15), id},
					  .id = {id, ~id}};
	store_relaxed((atomic_u64 *)(void *)&slot->message.id[0], id);
	store_relaxed((atomic_u64 *)(void *)&slot->message.id[1], ~id);
	dedup_stamp(dedup_now(), slot, load_acquire(&now), message);
	message->sequence = fetch_add_seq(&sequence, 1) + 1;
	store_relaxed(&fifo_links(slot)->sequence, message->sequence);
	store_release(&joined[me->number], message->link);
	me->id[at] = id;
}

static void *send_all(void *argument)
{
	struct sender *me = argument;
	struct dedup_answer answer;
	uint64_t number;

	while ((number = fetch_add_seq(&sends, 1)) < SENDS) {
		uint32_t at = (uint32_t)number % SLOTS;

		while (dedup_reserve(dedup_now(), &me->quota, load_acquire(&now)) != DEDUP_OK) {
			fetch_add_seq(&now, 1); /* full, until a window has passed */
			sched_yield();
		}
		empty_slot(me, at);
		write_slot(me, at, number / AT_ONCE % IDS);
		help(me);
		if (random_next(&me->chance) % 8 != 0) /* else others do it, or we do when we need the slot */
			settle_message(&me->sent[at], &answer);
	}
	for (uint32_t at = 0; at < SLOTS; at++)
		empty_slot(me, at);
	fetch_add_seq(&working, UINT64_MAX);
	return NULL;
}

/* ---- tables ------------------------------------------------------------------------------------------------ */

static void publish_list(struct dedup next)
{
	if (list_count == LISTS_MAX)
		fail("too many lists", 0);
	lists[list_count] = next;
	store_release(&list, (uintptr_t)&lists[list_count++]);
}

static void append(struct dedup next)
{
	uint64_t time = load_acquire(&now);
	uint32_t order = dedup_next_order(&next, time);
	size_t bytes = (dedup_table_bytes(order) + 127) & ~(size_t)127;
	void *memory = aligned_alloc(128, bytes);

	memset(memory, 0, bytes);
	dedup_table_place(&next.table[next.count], memory, order);
	dedup_begin(&next, &next.table[next.count], time);
	next.count++;
	publish_list(next);
}

static void drop_oldest(struct dedup next)
{
	static struct dedup_settling settling;
	struct dedup_message message;
	struct dedup_answer answer;
	enum dedup_result result;
	uint64_t link;

	if (dedup_begin_settling(&next, &settling))
		settling.asked_ms = load_acquire(&now) + 1;
	while ((result = dedup_settle(&next, &settling, 256, &link)) != DEDUP_OK) {
		if (result == DEDUP_BUSY || !dedup_read(&next, link, &message))
			continue;
		settle_message(&message, &answer);
	}
	if (!dedup_may_drop(&next, &settling, load_acquire(&now)))
		return;
	forgotten += settling.ends_ms == settling.asked_ms;
	settling = (struct dedup_settling){0};
	next.count--;
	memmove(&next.table[0], &next.table[1], next.count * sizeof(next.table[0]));
	publish_list(next);
}

static void *keep_tables(void *argument)
{
	uint64_t chance = 7, seen = 0;

	(void)argument;
	while (load_acquire(&working) > 0) {
		uint64_t count = load_acquire(&sends);

		if (count != seen) /* time passes by what is sent */
			fetch_add_seq(&now, 1 + (count - seen) / 2);
		seen = count;
		if (dedup_is_due(dedup_now(), load_acquire(&now)) ||
		    (load_relaxed(&crowded) != 0 && dedup_now()->count < DEDUP_TABLES_MAX)) {
			append(*dedup_now());
			store_relaxed(&crowded, 0);
		}
		if (dedup_may_settle(dedup_now(), load_acquire(&now)))
			drop_oldest(*dedup_now());
		if (random_next(&chance) % 1024 == 0)
			dedup_purge(dedup_now());
		sched_yield();
	}
	return NULL;
}

/* ---- what must hold ------------------------------------------------------------------------------------------ */

static int by_id(const void *a, const void *b)
{
	const struct win *one = a, *other = b;

	return one->id != other->id		 ? (one->id < other->id ? -1 : 1)
	       : one->sequence < other->sequence ? -1
						 : one->sequence > other->sequence;
}

/* May `later` be first although `earlier` was? */
static bool is_allowed(const struct win *earlier, const struct win *later)
{
	uint64_t voided = earlier->entry != NULL ? load_relaxed(&earlier->entry->voided) : 0;

	return (int64_t)(later->boot_ms - earlier->boot_ms) >= WINDOW || earlier->sequence <= later->purged ||
	       (voided != 0 && later->sequence > voided);
}

static size_t check_wins(void)
{
	size_t count = 0;
	struct win *all;

	for (int i = 0; i < SENDERS; i++)
		count += senders[i].win_count;
	all = malloc(count * sizeof(*all));
	count = 0;
	for (int i = 0; i < SENDERS; i++) {
		memcpy(all + count, senders[i].wins, senders[i].win_count * sizeof(*all));
		count += senders[i].win_count;
	}
	qsort(all, count, sizeof(*all), by_id);
	for (size_t i = 0; i < count; i++)
		for (size_t j = i + 1; j < count && all[j].id == all[i].id; j++)
			if (!is_allowed(&all[i], &all[j]) && !is_allowed(&all[j], &all[i]))
				fail("two are first in one window", all[i].id);
	free(all);
	return count;
}

int main(void)
{
	pthread_t threads[SENDERS + 1];
	uint64_t late = 0, helped = 0;
	size_t wins;

	ring = (struct ring){.order = ORDER, .mask = (1 << ORDER) - 1};
	ring.slots = aligned_alloc(128, sizeof(struct slot) << ORDER);
	memset(ring.slots, 0, sizeof(struct slot) << ORDER);
	append((struct dedup){.rings = &ring,
			      .listed = 1,
			      .marks = &marks,
			      .sequence = &sequence,
			      .window_ms = WINDOW,
			      .ids_max = 2000});
	for (uint32_t i = 0; i < SENDERS; i++)
		senders[i] =
			(struct sender){.number = i, .chance = i + 1, .wins = calloc(WINS_MAX, sizeof(struct win))};
	for (int i = 0; i <= SENDERS; i++)
		if (pthread_create(&threads[i], NULL, i < SENDERS ? send_all : keep_tables, &senders[i % SENDERS]))
			return 1;
	for (int i = 0; i <= SENDERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < SENDERS; i++) {
		late += senders[i].late;
		helped += senders[i].helped;
	}
	wins = check_wins();
	printf("%d sends, %zu first, %llu late, %llu helped, %zu lists, %zu tables gone by a purge\n", SENDS, wins,
	       (unsigned long long)late, (unsigned long long)helped, list_count, forgotten);
	if (wins < SENDS / AT_ONCE / 100 || list_count < 3)
		fail("hardly anything happened", wins);
	return 0;
}
