/* FIFO queues where a call of the system fails, others stand in the way, or something is damaged: at making one, at
 * opening it, where its tables are to grow, and where messages are moved. */
#include "shm/fifo.h"
#include "shm/rings.h"
#include "shm/rows.h"
#include "tests/support/queue_fixture.h"
#include "tests/support/tmpdir.h"
#include "tests/unit/faulty_calls.h"
#include "tests/unit/fifo_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

TestSuite(fifo_faults, .init = fifo_test_begin, .fini = fifo_test_end, .timeout = 60);

/* ---- making and opening one --------------------------------------------------------------------------- */

Test(fifo_faults, shouldLeaveNothingOfACreationThatFails)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	int calls = 1, result;

	attributes.type = RLQ_FIFO;
	for (;; calls++) {
		faulty_calls_begin(FAULTY_ANY, calls, EIO);
		result = rlq_queue_create(queues_directory(), "q.fifo", &attributes);
		faulty_calls_end();
		if (result == 1)
			break;
		cr_expect_lt(result, 0, "call %d", calls);
		cr_expect_eq(tmpdir_count(queues_path(), ".build-"), 0, "call %d", calls);
		cr_expect_eq(tmpdir_count(queues_path(), "q.fifo"), 0, "call %d", calls);
		cr_assert_lt(calls, 100);
	}
	cr_expect_gt(calls, 10, "length, maps, header, ring, tables, cells, name");
	cr_expect_eq(faults_of("q.fifo"), 0);
}

Test(fifo_faults, shouldNotBeOpenedWithoutItsCells)
{
	struct segment *segment = NULL;

	fifo_test_make();
	faulty_calls_begin(FAULTY_MMAP, 2, ENOMEM);
	cr_expect_eq(seg_open(fifo_test_directory(), "q.fifo", &segment), -ENOMEM);
	faulty_calls_end();
	cr_expect_null(segment);
	cr_expect_eq(stat_of(queue).handles, 1, "no row is left in use");
}

Test(fifo_faults, shouldKnowATypeThatCannotBe)
{
	struct seg_identity identity;
	const uint32_t sizes[] = {0, RLQ_DEDUP_MAX + 1};

	fifo_test_make();
	for (int i = 0; i < 2; i++) {
		identity = queue->seg->header->identity;
		identity.dedup_max = sizes[i];
		cr_expect_eq(seg_check_identity(&identity, &identity, SEG_FILE_BYTES, identity.boot_id),
			     RLQ_EDAMAGED);
	}
	identity = queue_make("standard", NULL)->seg->header->identity;
	identity.dedup_max = 1;
	cr_expect_eq(seg_check_identity(&identity, &identity, SEG_FILE_BYTES, identity.boot_id), RLQ_EDAMAGED);
}

/* ---- tables that are to grow -------------------------------------------------------------------------- */

static void fill_ids(void)
{
	struct dedup *dedup = &queue->seg->dedup;

	store_relaxed(&dedup->table[dedup->count - 1].head->used,
		      (UINT64_C(1) << dedup->table[dedup->count - 1].order) / 2);
	queue->seg->quota.left = 0;
}

static void expect_refused_for(int fault, int error, void (*fill)(void))
{
	char id[16];
	int result;

	fill();
	snprintf(id, sizeof(id), "%d", fault);
	fifo_test_refuse_memory(fault);
	result = fifo_test_send("other", id);
	cr_expect_eq(result, error, "%d: %d", fault, result);
	fifo_test_refuse_memory(0);
	cr_expect_eq(stat_of(queue).visible, 1, "nothing is left of it");
	cr_expect_eq(faults_of("q.fifo"), 0);
}

Test(fifo_faults, shouldRefuseAGroupThatGetsNoCell)
{
	fifo_test_make();
	expect_refused_for(ENOSPC, RLQ_ENOSPACE, fifo_test_wear_out);
	expect_refused_for(EIO, -EIO, fifo_test_wear_out);
	cr_expect_eq(fifo_test_send("other", "5"), 0, "and once there is memory, it gets one");
	cr_expect_eq(stat_of(queue).visible, 2);
}

Test(fifo_faults, shouldRefuseAnIdThatGetsNoEntry)
{
	fifo_test_make();
	expect_refused_for(ENOSPC, RLQ_ENOSPACE, fill_ids);
	expect_refused_for(EIO, -EIO, fill_ids);
	cr_expect_eq(fifo_test_send("other", "5"), 0, "and once there is memory, it gets one");
	cr_expect_eq(fifo_test_send("other", "5"), 0);
	cr_expect_eq(stat_of(queue).visible, 2, "once");
}

static void expect_others_waited_for(enum seg_table_kind kind, void (*fill)(void), int error)
{
	struct segment *other = queue_again("q.fifo")->seg;

	fill();
	fifo_test_take_regions(kind, other->row, other->serial);
	cr_expect_eq(fifo_test_send("other", "1"), error, "after a while: he stands still");
	fifo_test_take_regions(kind, SEG_ROWS_STEP - 1, 77); /* of a handle that is gone */
	cr_expect_eq(fifo_test_send("other", "1"), 0, "what the dead have taken is given back");
	cr_expect_eq(faults_of("q.fifo"), 0);
}

Test(fifo_faults, shouldWaitForWhoMakesATableOfGroupsUnlessHeIsDead)
{
	fifo_test_make();
	expect_others_waited_for(TABLE_GROUPS, fifo_test_wear_out, RLQ_EFULL);
}

Test(fifo_faults, shouldWaitForWhoMakesATableOfIdsUnlessHeIsDead)
{
	fifo_test_make();
	expect_others_waited_for(TABLE_IDS, fill_ids, RLQ_EDEDUPFULL);
}

/* Tickets without tokens, as of so many who were killed. */
static void fill_tokens(void)
{
	struct ring_ends *ends = &queue->seg->header->tokens[0];

	store_seq(&ends->tail, load_seq(&ends->head) + (UINT64_C(1) << TABLE_ORDER_FIRST));
}

Test(fifo_faults, shouldServeAGroupOnceThereIsMemoryForItsToken)
{
	struct rlq_message message;

	fifo_test_make();
	message = receive_one(queue);
	cr_assert_eq(rlq_delete(queue, &message.receipt), 0);
	fill_tokens();
	fifo_test_refuse_memory(ENOSPC);
	cr_expect_eq(fifo_test_send("other", "1"), 0);
	fifo_test_refuse_memory(0);
	sweep_now(queue);
	message = receive_one(queue);
	cr_expect(body_is(&message, "1"));
	fill_tokens();
	cr_expect_eq(fifo_test_send("third", "2"), 0);
	cr_expect_eq(queue->seg->token_count, 2, "a larger table");
	message = receive_one(queue);
	cr_expect(body_is(&message, "2"));
	cr_expect_eq(faults_of("q.fifo"), 0);
}

/* What is moved there finds no cell: all are worn, and another handle, which stands still, is making a table. */
static void block_groups(struct rlq_queue *which)
{
	struct segment *other = queue_again(rlq_queue_name(which))->seg;
	struct rlq_queue *mine = queue;

	queue = which;
	fifo_test_wear_out();
	fifo_test_take_regions(TABLE_GROUPS, other->row, other->serial);
	queue = mine;
}

static void unblock_groups(struct rlq_queue *which)
{
	for (uint32_t nth = 1; nth < TABLES_OF_A_KIND; nth++)
		store_seq(&which->seg->header->region[table_region(TABLE_GROUPS, nth)].low, 0);
	time_passes(SWEEP_MS);
}

Test(fifo_faults, shouldLeaveAMessageDeadWhileItsGroupGetsNoCellInTheDlq)
{
	struct rlq_queue *dlq = fifo_make("dlq.fifo", NULL, false);
	struct rlq_message message;

	queue = fifo_make("q.fifo", "dlq.fifo", false);
	cr_assert_eq(fifo_test_send("g", "first"), 0);
	for (int i = 0; i < 2; i++) {
		receive_one(queue);
		time_passes(1000 + LEASE_SLACK_MS);
	}
	block_groups(dlq);
	cr_expect_eq(receive_now(queue, &message, 1), 0);
	cr_expect_eq(stat_of(queue).dead, 1);
	cr_expect_eq(stat_of(dlq).visible, 0);
	unblock_groups(dlq);
	sweep_now(queue);
	cr_expect_eq(stat_of(queue).dead, 0);
	message = receive_one(dlq);
	cr_expect(body_is(&message, "first"));
	cr_expect_eq(faults_of("q.fifo") + faults_of("dlq.fifo"), 0);
}

Test(fifo_faults, shouldServeAMessageThatCouldNotBeMoved)
{
	struct rlq_queue *target = fifo_make("target.fifo", NULL, false);
	uint64_t moved = 0;

	queue = fifo_make("q.fifo", NULL, false);
	cr_assert_eq(fifo_test_send("g", "first"), 0);
	block_groups(target);
	cr_expect_eq(rlq_redrive(queue, "target.fifo", 0, &moved), RLQ_EFULL);
	cr_expect_eq(moved, 0);
	cr_expect_str_eq(drain(queue), "first");
	cr_assert_eq(fifo_test_send("g", "second"), 0);
	unblock_groups(target);
	cr_expect_eq(rlq_redrive(queue, "target.fifo", 0, &moved), 0);
	cr_expect_eq(moved, 1);
	cr_expect_str_eq(drain(target), "second");
	cr_expect_eq(faults_of("q.fifo") + faults_of("target.fifo"), 0);
}

/* ---- damage ------------------------------------------------------------------------------------------- */

Test(fifo_faults, shouldSayDamagedOfACellThatLeadsNowhere)
{
	struct rlq_message message;
	struct word128 *cell;
	uint64_t sound;

	fifo_test_make();
	cell = &queue->seg->groups.table[0]
			.cells[fifo_group(&queue->seg->ring[0].slots[0]) & ((1 << TABLE_ORDER_FIRST) - 1)];
	sound = load_seq(&cell->low);
	cr_assert_neq(sound, 0);
	store_seq(&cell->low, link_pack(0, 0xffffff, 0));
	cr_expect_eq(fifo_test_send("g", "1"), RLQ_EDAMAGED);
	cr_expect_eq(receive_now(queue, &message, 1), RLQ_EDAMAGED);
	sweep_now(queue);
	store_seq(&cell->low, sound);
	sweep_now(queue);
	cr_expect_str_eq(drain(queue), "first");
}

/* Of a slot that is free, yet the entry was not filled in before. */
Test(fifo_faults, shouldNotSayWhatBecameOfAMessageWhoseIdIsDamaged)
{
	struct dedup_entry *entry;

	fifo_test_make();
	entry = dedup_cell(&queue->seg->dedup.table[0],
			   (uint64_t[2]){load_relaxed(&fifo_links(&queue->seg->ring[0].slots[0])->key[0])}, 0);
	cr_assert(dedup_is_complete(load_seq(&entry->control)));
	store_seq(&entry->control, link_pack(0, 500, 3));
	cr_expect_eq(fifo_test_send("g", "first"), RLQ_EUNKNOWN);
}

/* ---- what was taken back ------------------------------------------------------------------------------- */

static void set_state(enum slot_state state, uint32_t owner)
{
	struct slot *slot = &queue->seg->ring[0].slots[0];

	store_seq(&slot->word.low, word_with_owner(word_with_state(slot_read(slot), state), owner).bits.low);
}

Test(fifo_faults, shouldSayWhetherTheFirstOfADuplicateWasSent)
{
	const struct fifo_links *links;
	struct slot_word pending;
	uint64_t key[2], link;
	struct segment *segment;

	fifo_test_make();
	segment = queue->seg;
	links = fifo_links(&segment->ring[0].slots[0]);
	key[0] = load_relaxed(&links->key[0]);
	key[1] = load_relaxed(&links->key[1]);
	link = fifo_link(0, 0, slot_read(&segment->ring[0].slots[0]));
	cr_assert_eq(seg_enter(segment), 0);
	cr_expect_eq(fifo_first_was_sent(segment, 0, key), 1, "before a reboot");
	cr_expect_eq(fifo_first_was_sent(segment, link, key), 1);
	cr_expect_eq(fifo_first_was_sent(segment, link_pack(7, 0, 0), key), 1, "long ago, in a ring that is gone");
	set_state(SLOT_WRITING, 1);
	cr_expect_eq(fifo_first_was_sent(segment, link, key), -EAGAIN);
	set_state(SLOT_HELD, OWNER_NEVER);
	cr_expect_eq(fifo_first_was_sent(segment, link, key), 0);
	set_state(SLOT_HELD, OWNER_NONE);
	cr_expect_eq(fifo_first_was_sent(segment, link, key), 1, "deleted");
	set_state(SLOT_PENDING, PENDING_READY);
	cr_expect_eq(fifo_first_was_sent(segment, link, key), -EAGAIN);
	pending = slot_read(&segment->ring[0].slots[0]);
	cr_expect(fifo_take_back(segment, 0, 0, pending));
	cr_expect_eq(fifo_first_was_sent(segment, link, key), 0, "its slot is free, its entry void");
	cr_expect_not(fifo_take_back(segment, 0, 0, pending), "once");
	seg_leave(segment);
	cr_expect_eq(fifo_test_send("g", "first"), 0);
	cr_expect_str_eq(drain(queue), "first", "its id was free");
}

/* ---- a queue that is removed --------------------------------------------------------------------------- */

Test(fifo_faults, shouldGiveNothingBackOfAQueueThatIsRemoved)
{
	struct word128 *region;

	fifo_test_make();
	region = &queue->seg->header->region[table_region(TABLE_IDS, 1)];
	store_seq(&region->low, REGION_LIVE | region_order_pack(TABLE_ORDER_FIRST));
	cr_assert_eq(rlq_queue_remove(queues_directory(), "q.fifo"), 0);
	cr_expect_not(seg_retire_step(queue->seg));
	cr_expect(tables_settle(queue->seg));
	fifo_make_way(queue->seg);
	cr_expect_neq(load_seq(&region->low), 0);
	cr_expect_eq(fifo_test_send("g", "1"), RLQ_EREMOVED);
}
