#include "tests/unit/dedup_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct dedup dedup;
struct dedup_marks marks;
struct dedup_quota quota;
atomic_u64 sequence;
uint64_t now;

static struct ring ring;
static uint32_t next_slot;

void dedup_test_append(uint32_t order)
{
	struct dedup_table *table = &dedup.table[dedup.count];
	void *memory = aligned_alloc(128, (dedup_table_bytes(order) + 127) & ~(size_t)127);

	cr_assert_lt(dedup.count, DEDUP_TABLES_MAX);
	memset(memory, 0, dedup_table_bytes(order));
	dedup_table_place(table, memory, order);
	dedup_begin(&dedup, table, now);
	dedup.count++;
}

void dedup_test_begin(void)
{
	memset(&ring, 0, sizeof(ring));
	memset(&dedup, 0, sizeof(dedup));
	ring.order = SLOTS_ORDER;
	ring.mask = SLOTS - 1;
	ring.slots = aligned_alloc(128, SLOTS * sizeof(struct slot));
	memset(ring.slots, 0, SLOTS * sizeof(struct slot));
	dedup = (struct dedup){.rings = &ring,
			       .listed = 1,
			       .marks = &marks,
			       .sequence = &sequence,
			       .window_ms = WINDOW,
			       .ids_max = IDS_MAX};
	now = START;
	dedup_test_append(dedup_order_for(0));
}

void dedup_test_drop_oldest(void)
{
	free(dedup.table[0].head);
	dedup.count--;
	memmove(&dedup.table[0], &dedup.table[1], dedup.count * sizeof(dedup.table[0]));
}

static struct slot *slot_at(uint64_t link)
{
	return &ring.slots[link_slot(link)];
}

struct dedup_message dedup_test_join(uint64_t key, uint64_t boot_ms)
{
	uint32_t index = next_slot++ % SLOTS;
	struct slot *slot = &ring.slots[index];
	uint64_t generation = word_generation(slot_read(slot)), number;
	struct dedup_message message = {.link = link_pack(0, index, generation), .key = {key % 16, key}};

	cr_assert_eq(word_state(slot_read(slot)), SLOT_FREE);
	slot->word.low = word_make(SLOT_WRITING, generation, 1, 0, 0).bits.low;
	dedup_stamp(&dedup, slot, boot_ms, &message);
	number = fetch_add_seq(&sequence, 1) + 1;
	store_relaxed(&fifo_links(slot)->sequence, number);
	slot->message.id[0] = number * 7;
	slot->message.id[1] = ~number;
	cr_assert(dedup_read(&dedup, message.link, &message));
	cr_assert_eq(message.sequence, number);
	return message;
}

void dedup_test_set_state(uint64_t link, enum slot_state state)
{
	struct slot *slot = slot_at(link);

	slot->word.low = word_with_state(slot_read(slot), state).bits.low;
}

void dedup_test_free_slot(uint64_t link)
{
	struct slot *slot = slot_at(link);

	slot->word.low = word_freed(slot_read(slot)).bits.low;
	memset(&slot->message, 0xee, sizeof(slot->message)); /* of the next message */
}

void dedup_test_publish(const struct dedup_message *message, const struct dedup_answer *answer)
{
	cr_assert_eq(answer->link, message->link);
	cr_assert_eq(answer->sequence, message->sequence);
	dedup_fill(answer->entry, message);
	dedup_test_set_state(message->link, SLOT_READY);
}

enum dedup_result dedup_test_send_at(uint64_t key, uint64_t boot_ms, struct dedup_message *ret_message,
				     struct dedup_answer *ret)
{
	enum dedup_result result;

	*ret_message = dedup_test_join(key, boot_ms);
	result = dedup_decide(&dedup, ret_message, ret);
	if (result == DEDUP_FIRST)
		dedup_test_publish(ret_message, ret);
	else
		dedup_test_free_slot(ret_message->link);
	return result;
}

enum dedup_result dedup_test_send(uint64_t key)
{
	struct dedup_message message;
	struct dedup_answer answer;

	return dedup_test_send_at(key, now, &message, &answer);
}

void dedup_test_settle(struct dedup_settling *settling)
{
	struct dedup_message message;
	struct dedup_answer answer;
	uint64_t link = 0;
	enum dedup_result result;

	while ((result = dedup_settle(&dedup, settling, 100, &link)) != DEDUP_OK) {
		if (result == DEDUP_BUSY)
			continue;
		cr_assert_eq(result, DEDUP_HELP);
		cr_assert(dedup_read(&dedup, link, &message));
		cr_assert_eq(dedup_decide(&dedup, &message, &answer), DEDUP_FIRST);
		dedup_test_publish(&message, &answer);
	}
}

unsigned dedup_test_reserve_until(enum dedup_result end)
{
	unsigned taken = 0;
	enum dedup_result result;

	while ((result = dedup_reserve(&dedup, &quota, now)) == DEDUP_OK)
		taken++;
	cr_assert_eq(result, end);
	return taken;
}

bool dedup_test_lacks(const struct dedup *view, uint64_t key)
{
	return dedup_lacks(view, (const uint64_t[2]){key % 16, key});
}
