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

Test(verify_fifo, shouldNameANumberThatWasNeverGiven)
{
	struct rlq_queue *queue = busy_queue();

	store_seq(&links_of(queue, 2)->sequence, 1000);
	expect("slot 2: number 1000 was never given");
}

Test(verify_fifo, shouldNameEndsOfTokensThatCannotBe)
{
	struct rlq_queue *queue = busy_queue();
	struct ring_ends *ends = &queue->seg->header->tokens[0];

	store_seq(&ends->head, load_seq(&ends->tail) + 5);
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
		store_seq(&header->tables[kind], list);
	}
}

Test(verify_fifo, shouldNameAnUnlistedTableThatCannotBe)
{
	struct seg_header *header = busy_queue()->seg->header;

	store_seq(&header->region[table_region(TABLE_IDS, 3)].low,
		  REGION_BUSY | region_order_pack(10)); /* whose? */
	expect("table 3 of ids is not listed");
}

Test(verify_fifo, shouldNameTablesOfAStandardQueue)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	store_seq(&queue->seg->header->tables[TABLE_TOKENS], rings_make(1, 1, 0));
	said[0] = '\0';
	cr_assert_gt(rlq_verify(queues_directory(), "q", note, NULL), 0);
	cr_assert(strstr(said, "tokens has 1 entries") != NULL, "%s", said);
}
