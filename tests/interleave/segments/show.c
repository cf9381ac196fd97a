/* Names words for the printed schedule. */
#include "tests/interleave/segments/journal.h"

#include "shm/extents.h"

#include <stdio.h>

static const char *const state_names[16] = {"FREE",    "WRITING", "PASSED", "PENDING", "READY",	   "LEASED",
					    "DELAYED", "DEAD",	  "MOVING", "MOVED",   "ARRIVING", "DONE",
					    "HELD",    "13",	  "14",	    "15"};
static const char queue_names[QUEUES] = {'q', 'd'};

static void show_slot(int queue, size_t offset, char *text, size_t bytes)
{
	uint32_t ring = (uint32_t)(offset / SEG_RING_REGION);
	uint32_t slot = (uint32_t)(offset % SEG_RING_REGION / sizeof(struct slot));
	const struct slot *at = slot_in(queue, ring, slot);
	struct slot_word word = {{.low = at->word.low, .high = at->word.high}};

	if (world_is_fifo() && offset % sizeof(struct slot) == offsetof(struct slot, message.inline_bytes)) {
		snprintf(text, bytes, "%c ring %u slot %u next %llx", queue_names[queue], ring, slot,
			 (unsigned long long)fifo_links(at)->next);
		return;
	}
	snprintf(text, bytes, "%c ring %u slot %u gen %llu %s owner %u receives %u deadline %u", queue_names[queue],
		 ring, slot, (unsigned long long)word_generation(word), state_names[word_state(word)],
		 word_owner(word), word_receives(word), word_deadline_ms(word));
}

static bool is_hint(int queue, size_t offset)
{
	uint32_t order = region_order(header_of(queue)->region[offset / SEG_RING_REGION].low);

	return offset % SEG_RING_REGION >> order >= sizeof(struct slot);
}

static void show_header(int queue, size_t offset, unsigned long long value, char *text, size_t bytes)
{
	size_t region = offset - offsetof(struct seg_header, region);

	if (offset == offsetof(struct seg_header, rings))
		snprintf(text, bytes, "%c rings %llx", queue_names[queue], value);
	else if (region < sizeof(struct word128) * SEG_RING_COUNT)
		snprintf(text, bytes, "%c region %zu %llx", queue_names[queue], region / 16, value);
	else
		snprintf(text, bytes, "%c header +%zu %llx", queue_names[queue], offset, value);
}

static void show_table(int queue, size_t offset, unsigned long long value, char *text, size_t bytes)
{
	static const char *const kinds[SEG_TABLE_KINDS] = {"groups", "tokens", "ids"};
	size_t table = offset / SEG_TABLE_REGION;

	snprintf(text, bytes, "%c table %zu of %s +%zu %llx", queue_names[queue], table % TABLES_OF_A_KIND,
		 kinds[table / TABLES_OF_A_KIND], offset % SEG_TABLE_REGION, value);
}

static void show_row(int queue, size_t offset, unsigned long long value, char *text, size_t bytes)
{
	size_t at = offset % sizeof(struct seg_row);
	const char *what = at == offsetof(struct seg_row, user)	   ? "user"
			   : at == offsetof(struct seg_row, view)  ? "view"
			   : at >= offsetof(struct seg_row, holds) ? "hold"
								   : "counter";

	snprintf(text, bytes, "%c row %zu %s %llx", queue_names[queue], offset / sizeof(struct seg_row), what,
		 value);
}

static bool show_in_queue(int queue, const unsigned char *at, unsigned long long value, char *text, size_t bytes)
{
	size_t offset = (size_t)(at - map_base[queue]);

	if (at >= body_base[queue] && at < body_base[queue] + SEG_BODY_REGION) {
		snprintf(text, bytes, "%c block %zu %llx", queue_names[queue], (size_t)(at - body_base[queue]) / 8,
			 value);
		return true;
	}
	if (at < map_base[queue] || offset >= SEG_MAP_BYTES)
		return false;
	if (offset >= SEG_TABLES)
		show_table(queue, offset - SEG_TABLES, value, text, bytes);
	else if (offset >= SEG_RINGS && is_hint(queue, offset - SEG_RINGS))
		snprintf(text, bytes, "%c hint or mark +%zu %llx", queue_names[queue],
			 (offset - SEG_RINGS) % SEG_RING_REGION, value);
	else if (offset >= SEG_RINGS)
		show_slot(queue, offset - SEG_RINGS, text, bytes);
	else if (offset >= SEG_ROWS)
		show_row(queue, offset - SEG_ROWS, value, text, bytes);
	else
		show_header(queue, offset, value, text, bytes);
	return true;
}

void show_word(const void *address, char *text, size_t bytes)
{
	unsigned long long value = *(const uint64_t *)address;

	for (int queue = 0; queue < QUEUES; queue++)
		if (show_in_queue(queue, address, value, text, bytes))
			return;
	if (address == &engine_page.turn_begun)
		snprintf(text, bytes, "turn begun %llu", value);
	else if (address == &engine_page.turn_gathered)
		snprintf(text, bytes, "turn gathered %llu", value);
	else if (address == &engine_page.turn_done)
		snprintf(text, bytes, "turn done %llu", value);
	else if (address == &written.end_step)
		snprintf(text, bytes, "a turn is durable");
	else if (address == &world.now_ms)
		snprintf(text, bytes, "clock %llu", value);
	else if (address == &world.life)
		snprintf(text, bytes, "who lives?");
	else if (address == &world.memory)
		snprintf(text, bytes, "memory given or taken away");
	else if (address == &name_step)
		snprintf(text, bytes, "names");
	else
		snprintf(text, bytes, "word %p %llx", address, value);
}
