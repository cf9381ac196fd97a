/* What verify says of a FIFO queue: each fault is planted and named. */
#include "client/internal.h"
#include "ring/groups.h"
#include "shm/fifo.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(verify_fifo, .init = queues_begin, .fini = queues_end, .timeout = 60);

static char said[8192];

static void note(void *context, const char *text)
{
	(void)context;
	if (strlen(said) + strlen(text) + 2 > sizeof(said))
		return;
	strcat(said, text);
	strcat(said, "\n");
}

static int verify(void)
{
	said[0] = '\0';
	return rlq_verify(queues_directory(), "q.fifo", note, NULL);
}

static void expect(const char *text)
{
	cr_assert_gt(verify(), 0, "nothing was found: %s", text);
	cr_assert(strstr(said, text) != NULL, "not \"%s\", but:\n%s", text, said);
}

static void send_to(struct rlq_queue *queue, const char *group, const char *id)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	options.group = group;
	options.dedup_id = id;
	cr_assert_eq(rlq_send(queue, id, strlen(id), &options, NULL), 0);
}

/* Three messages of group a in slots 0 to 2, one of group b; the first of a is leased. */
static struct rlq_queue *busy_queue(void)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_message message;
	struct rlq_queue *queue;

	attributes.type = RLQ_FIFO;
	queue = queue_make("q.fifo", &attributes);
	send_to(queue, "a", "a1");
	send_to(queue, "a", "a2");
	send_to(queue, "a", "a3");
	send_to(queue, "b", "b1");
	cr_assert_eq(receive_now(queue, &message, 1), 1);
	return queue;
}

static struct fifo_links *links_of(struct rlq_queue *queue, uint32_t slot)
{
	return fifo_links(&queue->seg->ring[0].slots[slot]);
}

/* The cell of a group, and its index. */
static struct word128 *cell_of(struct rlq_queue *queue, uint32_t slot, uint64_t *ret_index)
{
	struct group_table *table = &queue->seg->groups.table[0];
	uint64_t mask = (UINT64_C(1) << table->order) - 1, first = load_acquire(&links_of(queue, slot)->group);

	for (uint64_t step = 0; step < GROUP_WINDOW; step++) {
		*ret_index = (first + step) & mask;
		if (load_acquire(&table->cells[*ret_index].low) != 0)
			return &table->cells[*ret_index];
	}
	cr_assert_fail("no cell");
	return NULL;
}

Test(verify_fifo, shouldFindNothingWrongWithAQueueInUse)
{
	struct rlq_queue *queue = busy_queue();
	struct rlq_message message;

	cr_assert_eq(verify(), 0, "%s", said);
	time_passes(40000);
	sweep_now(queue);
	while (receive_now(queue, &message, 1) == 1)
		cr_assert_eq(rlq_delete(queue, &message.receipt), 0);
	cr_assert_eq(verify(), 0, "%s", said);
}

Test(verify_fifo, shouldNameEndsOfAGroupThatCannotBe)
{
	struct rlq_queue *queue = busy_queue();
	uint64_t index;
	struct word128 *cell = cell_of(queue, 0, &index);
	const uint64_t first = load_seq(&cell->low), last = load_seq(&cell->high);
	const struct {
		uint64_t first, last;
		const char *fault;
	} planted[] = {
		{link_pack(0, 0, 7), last, "its head"},
		{link_pack(5, 0, 0), last, "its head"},
		{link_pack(0, 0xffffff, 0), last, "its head"},
		{link_pack(0, 1, 0) & ~LINK_USED, last, "its head"},
		{first, link_pack(0, 40, 0), "its tail"},		 /* a free slot */
		{first, link_pack(0, 3, 0), "is no chain"},		 /* of another group */
		{link_pack(0, 2, 0), link_pack(0, 0, 0), "is no chain"}, /* the last before the first */
		{first | GROUP_FROZEN, last, "is frozen, yet not sealed"},
	};

	for (size_t i = 0; i < sizeof(planted) / sizeof(planted[0]); i++) {
		store_seq(&cell->low, planted[i].first);
		store_seq(&cell->high, planted[i].last);
		expect(planted[i].fault);
	}
}

Test(verify_fifo, shouldNameAGroupInACellThatIsNotOnItsPath)
{
	struct rlq_queue *queue = busy_queue();
	struct group_table *table = &queue->seg->groups.table[0];
	uint64_t index, far;
	struct word128 *cell = cell_of(queue, 0, &index);

	far = (index + 2 * GROUP_WINDOW) & ((UINT64_C(1) << table->order) - 1);
	store_seq(&table->cells[far].high, load_seq(&cell->high));
	store_seq(&table->cells[far].low, load_seq(&cell->low));
	expect("has no place there");
}

Test(verify_fifo, shouldNameAGroupThatHasTwoCells)
{
	struct rlq_queue *queue = busy_queue();
	struct group_table *table = &queue->seg->groups.table[0];
	uint64_t index, next;
	struct word128 *cell = cell_of(queue, 0, &index);

	next = (index + 1) & ((UINT64_C(1) << table->order) - 1);
	store_seq(&table->cells[next].high, load_seq(&cell->high));
	store_seq(&table->cells[next].low, link_pack(0, 1, 0));
	expect("is found in another cell");
}

Test(verify_fifo, shouldNameAMessageInNoChain)
{
	struct rlq_queue *queue = busy_queue();
	uint64_t index;
	struct word128 *cell = cell_of(queue, 3, &index);

	store_seq(&cell->low, 0);
	expect("slot 3: the message is in no chain");
}

/* Nobody looks behind a free cell. */
Test(verify_fifo, shouldNameAMessageWhoseCellIsNotFound)
{
	struct rlq_queue *queue = busy_queue();
	struct group_table *table = &queue->seg->groups.table[0];
	uint64_t index, next;
	struct word128 *cell = cell_of(queue, 3, &index);

	next = (index + 1) & ((UINT64_C(1) << table->order) - 1);
	store_seq(&table->cells[next].high, load_seq(&cell->high));
	store_seq(&table->cells[next].low, load_seq(&cell->low));
	store_seq(&cell->low, 0);
	expect("slot 3: the message is in no chain");
}

/* As who is killed amid replacing a table leaves it. */
Test(verify_fifo, shouldFindNothingWrongWithAGroupThatIsToMove)
{
	struct rlq_queue *queue = busy_queue();
	uint64_t index;
	struct word128 *cell = cell_of(queue, 0, &index);

	store_seq(&cell->high, load_seq(&cell->high) | GROUP_SEALED);
	store_seq(&cell->low, load_seq(&cell->low) | GROUP_FROZEN);
	cr_assert_eq(verify(), 0, "%s", said);
}

Test(verify_fifo, shouldNameANumberThatWasNeverGiven)
{
	struct rlq_queue *queue = busy_queue();

	store_seq(&links_of(queue, 2)->sequence, 1000);
	expect("slot 2: number 1000 was never given");
	store_seq(&links_of(queue, 2)->sequence, 0);
	expect("slot 2: number 0 was never given");
}

Test(verify_fifo, shouldNameEndsOfTokensThatCannotBe)
{
	struct rlq_queue *queue = busy_queue();
	struct ring_ends *ends = &queue->seg->header->tokens[0];

	store_seq(&ends->head, load_seq(&ends->tail) + 5);
	expect("tokens 0: head");
	store_seq(&ends->tail, UINT64_MAX / 2);
	expect("tokens 0: head");
}

Test(verify_fifo, shouldNameAListOfTablesThatCannotBe)
{
	struct seg_header *header = busy_queue()->seg->header;

	for (uint32_t kind = 0; kind < SEG_TABLE_KINDS; kind++) {
		uint64_t list = load_seq(&header->tables[kind]);

		store_seq(&header->tables[kind], rings_make(2, 2, 0));
		expect("twice");
		store_seq(&header->tables[kind], rings_make(1, 2, 7));
		expect("names table 7");
		store_seq(&header->tables[kind], rings_make(1, 2, 1));
		expect("is listed, yet in state 0");
		store_seq(&header->tables[kind], 0);
		expect("has 0 entries");
		store_seq(&header->tables[kind], rings_make(TABLES_OF_A_KIND + 1, 2, 0x3210));
		expect("has 5 entries");
		store_seq(&header->tables[kind], list);
	}
}

Test(verify_fifo, shouldNameAListedTableThatCannotBe)
{
	struct word128 *region = &busy_queue()->seg->header->region[table_region(TABLE_TOKENS, 0)];
	const uint64_t id = load_seq(&region->high);
	const struct {
		uint64_t low, high;
		const char *fault;
	} planted[] = {
		{(REGION_LIVE + 1) | region_order_pack(10), id, "table 0 of tokens is listed, yet in state 3"},
		{REGION_LIVE | region_order_pack(TABLE_ORDER_MAX + 1), id, "table 0 of tokens has order 25"},
		{REGION_LIVE | region_order_pack(10), 0, "id 0"},
	};

	for (size_t i = 0; i < sizeof(planted) / sizeof(planted[0]); i++) {
		store_seq(&region->low, planted[i].low);
		store_seq(&region->high, planted[i].high);
		expect(planted[i].fault);
	}
}

Test(verify_fifo, shouldNameAnUnlistedTableThatCannotBe)
{
	struct word128 *region = &busy_queue()->seg->header->region[table_region(TABLE_IDS, 3)];
	const uint64_t planted[] = {
		REGION_BUSY | region_order_pack(10),				     /* whose? */
		REGION_BUSY | region_order_pack(10) | (uint64_t)SEG_ROW_COUNT << 12, /* there is no such row */
		REGION_BUSY | region_order_pack(TABLE_ORDER_MAX + 1) | 1 << 12,
		REGION_LIVE | region_order_pack(TABLE_ORDER_MAX + 1),
		REGION_LIVE | region_order_pack(10) | 1 << 12,
		REGION_LIVE + 1,
	};

	for (size_t i = 0; i < sizeof(planted) / sizeof(planted[0]); i++) {
		store_seq(&region->low, planted[i]);
		expect("table 3 of ids is not listed");
	}
	store_seq(&region->low, REGION_LIVE | region_order_pack(10)); /* to be given back */
	cr_assert_eq(verify(), 0, "%s", said);
}

static void expect_of_a_standard_queue(const char *text)
{
	said[0] = '\0';
	cr_assert_gt(rlq_verify(queues_directory(), "q", note, NULL), 0);
	cr_assert(strstr(said, text) != NULL, "%s", said);
}

Test(verify_fifo, shouldNameTablesOfAStandardQueueAndARingInNoState)
{
	struct seg_header *header = queue_make("q", NULL)->seg->header;

	store_seq(&header->region[table_region(TABLE_IDS, 1)].low, REGION_LIVE | region_order_pack(10));
	expect_of_a_standard_queue("table 1 of ids is not listed");
	store_seq(&header->tables[TABLE_TOKENS], rings_make(1, 1, 0));
	expect_of_a_standard_queue("tokens has 1 entries");
	store_seq(&header->tables[TABLE_TOKENS], 0);
	store_seq(&header->region[0].low, (REGION_LIVE + 1) | region_order_pack(10));
	expect_of_a_standard_queue("ring region 0 is listed, yet in state 3");
}

/* ---- and who would use them ----------------------------------------------------------------------------- */

Test(verify_fifo, shouldNotBeOpenedWithTablesThatCannotBe)
{
	struct seg_header *header = busy_queue()->seg->header;
	struct rlq_queue *more;

	for (uint32_t kind = 0; kind < SEG_TABLE_KINDS; kind++) {
		atomic_u64 *list = &header->tables[kind], *low = &header->region[table_region(kind, 0)].low;
		const uint64_t sound = load_seq(list), live = load_seq(low);
		const uint64_t planted[] = {rings_make(0, 2, 0), rings_make(TABLES_OF_A_KIND + 1, 2, 0x3210),
					    rings_make(1, 2, TABLES_OF_A_KIND), rings_make(1, 2, 1)};

		for (size_t i = 0; i < sizeof(planted) / sizeof(planted[0]); i++) {
			store_seq(list, planted[i]);
			cr_expect_eq(rlq_queue_open(queues_directory(), "q.fifo", &more), RLQ_EDAMAGED,
				     "kind %u: %zu", kind, i);
		}
		store_seq(list, sound);
		store_seq(low, REGION_LIVE | region_order_pack(TABLE_ORDER_MAX + 1));
		cr_expect_eq(rlq_queue_open(queues_directory(), "q.fifo", &more), RLQ_EDAMAGED, "kind %u", kind);
		store_seq(low, live);
	}
	cr_expect_eq(verify(), 0, "%s", said);
}
