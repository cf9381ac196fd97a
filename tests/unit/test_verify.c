#include "client/internal.h"
#include "shm/room.h"
#include "shm/verify.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(verify, .init = queues_begin, .fini = queues_end, .timeout = 60);

static char said[4096];
static int sentences;

static void note(void *context, const char *text)
{
	(void)context;
	sentences++;
	if (strlen(said) + strlen(text) + 2 > sizeof(said))
		return;
	strcat(said, text);
	strcat(said, "\n");
}

static int verify(const char *name)
{
	said[0] = '\0';
	sentences = 0;
	return rlq_verify(queues_directory(), name, note, NULL);
}

/* A queue with messages of every kind. */
static struct rlq_queue *busy_queue(void)
{
	static char large[100000];
	struct rlq_queue *queue = queue_make("q", NULL);

	for (int i = 0; i < 30; i++)
		send_text(queue, "inline");
	for (int i = 0; i < 5; i++)
		cr_assert_eq(rlq_send(queue, large, sizeof(large), NULL, NULL), 0);
	cr_assert_eq(send_delayed(queue, "delayed", 5000), 0);
	for (int i = 0; i < 20; i++)
		receive_one(queue);
	return queue;
}

static struct slot *slot_of(struct rlq_queue *queue, uint32_t slot)
{
	return &queue->seg->ring[0].slots[slot];
}

Test(verify, shouldFindNothingWrongWithAQueueInUse)
{
	struct rlq_queue *queue = busy_queue();
	struct rlq_reservation reservation;
	struct rlq_message message;

	cr_assert_eq(rlq_reserve(queue, 5000, NULL, &reservation), 0);
	cr_assert_eq(receive_in_place(queue, &message), 1);
	cr_assert_eq(verify("q"), 0, "%s", said);
}

Test(verify, shouldFindNothingWrongWithTheSmallestQueues)
{
	for (uint64_t capacity = 1; capacity <= 9; capacity++) {
		char name[8] = {'q', (char)('0' + capacity), '\0'};
		struct rlq_queue *queue = queue_of(name, capacity);

		for (int i = 0; i < 100; i++) {
			struct rlq_message message;

			send_text(queue, "a");
			message = receive_one(queue);
			cr_assert_eq(rlq_delete(queue, &message.receipt), 0);
			cr_assert_eq(verify(name), 0, "capacity %lu after %d: %s", (unsigned long)capacity, i,
				     said);
		}
	}
}

Test(verify, shouldFindNothingWrongAfterManyRedeliveriesAndFullAnswers)
{
	struct rlq_queue *queue = queue_of("q", 100);

	for (int i = 0; i < 200; i++)
		rlq_send(queue, "a", 1, NULL, NULL);
	for (int i = 0; i < 500; i++) {
		struct rlq_message message = receive_one(queue);

		cr_assert_eq(rlq_release(queue, &message.receipt, 0), 0);
		cr_assert_eq(rlq_send(queue, "b", 1, NULL, NULL), RLQ_EFULL);
	}
	cr_assert_eq(verify("q"), 0, "%s", said);
}

Test(verify, shouldNameAQueueThatIsNotThere)
{
	cr_assert_eq(verify("none"), RLQ_ENOQUEUE);
	cr_assert_eq(verify("no name"), RLQ_ENAME);
}

#define FAULT(sentence)                                                                                            \
	do {                                                                                                       \
		cr_expect_gt(verify("q"), 0);                                                                      \
		cr_expect(strstr(said, sentence), "said: %s", said);                                               \
	} while (0)

Test(verify, shouldNameAStateThatDoesNotExist)
{
	struct rlq_queue *queue = busy_queue();

	store_seq(&slot_of(queue, 25)->word.low, load_seq(&slot_of(queue, 25)->word.low) | 15);
	FAULT("ring 0 slot 25: no such state: 15");
	store_seq(&slot_of(queue, 25)->word.low, SLOT_DONE);
	FAULT("ring 0 slot 25: no such state: 11");
}

/* A queue of sync sends, with one message: no engine is asked for what is made and sent below the public calls. */
static struct rlq_queue *sync_queue(void)
{
	struct seg_recipe recipe = {
		.name = "q", .capacity = 100, .mode = 0600, .group = UINT32_MAX, .durability = RLQ_SYNC};
	struct rlq_queue *queue;
	struct ring_claim claim;

	recipe.attribute[ATTRIBUTE_RETENTION_MS] = RLQ_RETENTION_MIN_MS;
	recipe.attribute[ATTRIBUTE_BYTES_MAX] = RLQ_BODY_MAX;
	cr_assert_eq(seg_create(&queues_directory()->seg, &recipe), 0);
	cr_assert_eq(rlq_queue_open(queues_directory(), "q", &queue), 0);
	cr_assert_eq(seg_enter(queue->seg), 0);
	cr_assert_eq(seg_claim(queue->seg, &claim), 0);
	cr_assert_eq(ring_publish_pending(&queue->seg->ring[0], &claim,
					  owner_make(queue->seg->row, queue->seg->serial), 0),
		     RING_OK);
	seg_leave(queue->seg);
	return queue;
}

Test(verify, shouldKnowAMessageThatWaitsForTheJournal)
{
	struct rlq_queue *queue = sync_queue();
	struct slot *slot = slot_of(queue, 0);

	cr_assert_eq(verify("q"), 0, "%s", said);
	store_seq(&slot->word.low, load_seq(&slot->word.low) | 2 << 4);
	FAULT("ring 0 slot 0: PENDING cannot become 2");
	rlq_queue_close(queue);
}

Test(verify, shouldNameAMessageThatWaitsForAJournalThatKnowsNothingOfItsQueue)
{
	struct rlq_queue *queue = busy_queue();
	struct slot *slot = slot_of(queue, 25);
	uint64_t low = load_seq(&slot->word.low);

	store_seq(&slot->word.low, word_with_state((struct slot_word){{.low = low}}, SLOT_PENDING).bits.low);
	FAULT("ring 0 slot 25: PENDING, though");
}

Test(verify, shouldNameAGenerationThatCannotBe)
{
	struct rlq_queue *queue = busy_queue();

	store_seq(&slot_of(queue, 25)->word.low, load_seq(&slot_of(queue, 25)->word.low) | UINT64_C(1) << 60);
	FAULT("ring 0 slot 25: generation");
}

Test(verify, shouldNameAMessageThatDoesNotFit)
{
	struct rlq_queue *queue = busy_queue();

	slot_of(queue, 25)->message.body_bytes = 65;
	FAULT("ring 0 slot 25: 65 + 0 bytes do not fit");
	slot_of(queue, 25)->message.body_bytes = 6;
	slot_of(queue, 31)->message.block = UINT64_C(99) << 56 | 1;
	FAULT("ring 0 slot 31:");
}

Test(verify, shouldNameABlockOfAnotherMessage)
{
	struct rlq_queue *queue = busy_queue();

	slot_of(queue, 31)->message.block = slot_of(queue, 32)->message.block;
	FAULT("belongs to another message");
}

Test(verify, shouldNameEndsThatCannotBe)
{
	struct rlq_queue *queue = busy_queue();

	store_seq(&queue->seg->header->ends[0].head, UINT64_C(1) << 50);
	FAULT("ring 0: head 1125899906842624 and");
	store_seq(&queue->seg->header->ends[0].head, UINT64_MAX);
	FAULT("ring 0: head 18446744073709551615 and");
	store_seq(&queue->seg->header->ends[0].tail, UINT64_MAX);
	FAULT("and tail 18446744073709551615 cannot be");
}

Test(verify, shouldNameAnAttributeOutOfRange)
{
	struct rlq_queue *queue = busy_queue();

	store_seq(&queue->seg->header->attribute[ATTRIBUTE_VISIBILITY_MS], UINT64_C(1) << 40);
	FAULT("attribute visibility is 1099511627776");
	store_seq(&queue->seg->header->attribute[ATTRIBUTE_RETENTION_MS], RLQ_RETENTION_MIN_MS - 1);
	FAULT("attribute retention is 59999, not 60000 to");
}

Test(verify, shouldNameAListOfRingsThatCannotBe)
{
	struct rlq_queue *queue = busy_queue();
	uint64_t sound = load_seq(&queue->seg->header->rings);

	store_seq(&queue->seg->header->rings, rings_make(9, 5, 0));
	cr_expect_gt(verify("q"), 0);
	store_seq(&queue->seg->header->rings, rings_make(2, 6, 0x30));
	cr_expect_gt(verify("q"), 0);
	store_seq(&queue->seg->header->rings, rings_make(2, 7, 0x90));
	FAULT("the list of rings names region 9");
	store_seq(&queue->seg->header->rings, sound);
	cr_expect_eq(verify("q"), 0, "%s", said);
}

Test(verify, shouldNameAListedRegionThatCannotBe)
{
	struct rlq_queue *queue = busy_queue();
	struct word128 *region = &queue->seg->header->region[0];
	uint64_t low = load_seq(&region->low), high = load_seq(&region->high);
	uint32_t larger = queue->seg->capacity_order + 1;

	store_seq(&region->high, 7);
	FAULT("ring region 0 has order 10, id 0");
	store_seq(&region->high, high);
	store_seq(&region->low, REGION_LIVE | region_order_pack(larger));
	FAULT("ring region 0 has order");
	store_seq(&region->low, low);
	cr_expect_eq(verify("q"), 0, "%s", said);
}

static uint64_t busy_region(uint32_t row)
{
	return REGION_BUSY | region_order_pack(SEG_ORDER_FIRST) | (uint64_t)row << 12;
}

Test(verify, shouldNameAnUnlistedRegionThatCannotBe)
{
	static const uint64_t impossible[] = {
		7,
		REGION_EMPTY | UINT64_C(1) << 40,
		REGION_BUSY | (uint64_t)SEG_ORDER_FIRST << 4 | 1 << 12,
		REGION_LIVE,
	};
	struct rlq_queue *queue = busy_queue();
	atomic_u64 *region = &queue->seg->header->region[5].low;

	for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
		store_seq(region, impossible[i]);
		FAULT("ring region 5 is not listed, and its state cannot be");
	}
	store_seq(region, busy_region(0));
	FAULT("ring region 5 is not listed, and its state cannot be");
	store_seq(region, busy_region(SEG_ROW_COUNT));
	FAULT("ring region 5 is not listed, and its state cannot be");
	store_seq(region, REGION_LIVE | region_order_pack(SEG_ORDER_FIRST) | 3 << 12);
	FAULT("ring region 5 is not listed, and its state cannot be");
	store_seq(region, 0);
	cr_expect_eq(verify("q"), 0, "%s", said);
}

Test(verify, shouldFindNothingWrongWithARegionThatIsToBeGivenBack)
{
	struct rlq_queue *queue = busy_queue();

	store_seq(&queue->seg->header->region[4].low, busy_region(1000)); /* of nobody */
	store_seq(&queue->seg->header->region[5].low, REGION_LIVE | region_order_pack(SEG_ORDER_FIRST));
	cr_expect_eq(verify("q"), 0, "%s", said);
}

Test(verify, shouldNameDataInAnEmptyRegion)
{
	struct rlq_queue *queue = busy_queue();
	off_t at = (off_t)(SEG_RINGS + 5 * SEG_RING_REGION + 12345);

	cr_assert_eq(pwrite(queue->seg->fd, "x", 1, at), 1);
	FAULT("ring region 5 is empty, yet there are data in it");
	cr_assert_eq(pwrite(queue->seg->fd, "", 1, at), 1); /* a zero, as in a page that was only read */
	cr_expect_eq(verify("q"), 0, "%s", said);
}

/* Looking has a bound: a region can be two gigabytes. */
Test(verify, shouldLookAtTheFirstPagesOfAnEmptyRegion)
{
	static const char page[4096];
	struct rlq_queue *queue = busy_queue();
	off_t at = (off_t)(SEG_RINGS + 5 * SEG_RING_REGION);

	for (int i = 0; i < 1100; i++)
		cr_assert_eq(pwrite(queue->seg->fd, page, sizeof(page), at + i * (off_t)sizeof(page)),
			     (ssize_t)sizeof(page));
	cr_assert_eq(pwrite(queue->seg->fd, "x", 1, at + 1099 * (off_t)sizeof(page)), 1);
	cr_expect_eq(verify("q"), 0, "%s", said);
	cr_assert_eq(pwrite(queue->seg->fd, "x", 1, at + 1000 * (off_t)sizeof(page)), 1);
	FAULT("ring region 5 is empty, yet there are data in it");
}

Test(verify, shouldFindNothingWrongWithRingsThatComeAndGo)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 6000; i++)
			send_text(queue, "a");
		cr_assert_eq(verify("q"), 0, "%s", said);
		for (int i = 0; i < 6000; i++) {
			struct rlq_message message = receive_one(queue);

			cr_assert_eq(rlq_delete(queue, &message.receipt), 0);
		}
		for (int i = 0; i < 3; i++)
			sweep_now(queue);
		cr_assert_eq(stat_of(queue).rings, 1);
		cr_assert_eq(verify("q"), 0, "%s", said);
	}
}

Test(verify, shouldNameARowThatCannotBe)
{
	struct rlq_queue *queue = busy_queue();
	struct seg_row *row = &queue->seg->rows[7];

	store_seq(&row->user.low, UINT64_C(1) << 40);
	FAULT("row 7: no serial");
	store_seq(&row->user.low, 0);
	store_seq(&row->view, rings_make(9, 1, 0));
	FAULT("row 7: a call cannot work with rings");
	store_seq(&row->view, rings_make(2, 1, 0x90));
	FAULT("row 7: a call cannot work with rings");
	store_seq(&row->view, rings_make(0, 1, 0));
	FAULT("row 7: a call cannot work with rings 100000000");
	store_seq(&row->view, rings_make(1, 1, 0) | RINGS_REMOVED);
	FAULT("row 7: a call cannot work with rings 8800000100000000");
	store_seq(&row->view, 0);
	store_seq(&row->holds[3], 77);
	FAULT("row 7: nothing can be read in place at 4d");
	store_seq(&row->holds[3], 0);
	cr_expect_eq(verify("q"), 0, "%s", said);
}

Test(verify, shouldNameAHoldOfASlotThatNoRingHas)
{
	struct rlq_queue *queue = queue_of("q", 100);
	atomic_u64 *hold = &queue->seg->rows[7].holds[0];

	store_seq(hold, place_pack(0, (1 << queue->seg->capacity_order) - 1, 1));
	cr_expect_eq(verify("q"), 0, "%s", said);
	store_seq(hold, place_pack(0, 1 << queue->seg->capacity_order, 1));
	FAULT("row 7: nothing can be read in place at 8");
}

static void hold_and_reserve(void *context)
{
	struct rlq_reservation reservation;
	struct rlq_directory *directory;
	struct rlq_message message;
	struct rlq_queue *queue;

	(void)context;
	cr_assert_eq(rlq_directory_open(queues_path(), &directory), 0);
	cr_assert_eq(rlq_queue_open(directory, "q", &queue), 0);
	cr_assert_eq(receive_in_place(queue, &message), 1);
	cr_assert_eq(rlq_reserve(queue, 5000, NULL, &reservation), 0);
}

Test(verify, shouldFindNothingWrongWithWhatTheDeadHaveLeft)
{
	busy_queue();
	die_doing(hold_and_reserve, NULL);
	cr_expect_eq(verify("q"), 0, "%s", said);
}

Test(verify, shouldNameADamagedIdentity)
{
	struct rlq_queue *queue = busy_queue();

	queue->seg->header->identity.capacity ^= 1;
	FAULT("identity");
}

Test(verify, shouldNameALimitThatCannotBe)
{
	struct rlq_queue *queue = busy_queue();

	queue->seg->header->identity.capacity = queue->seg->header->mirror.capacity = 0;
	FAULT("q.rlq: a limit in the header cannot be right");
}

Test(verify, shouldNameWhatIsNoFile)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/pipe.rlq", queues_path());
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_eq(verify("pipe"), 1);
	cr_expect_str_eq(said, "pipe.rlq is not a regular file\n");
}

/* A segment full of rubbish has millions of faults. */
Test(verify, shouldCountAllFaultsAndNameTheFirstThousand)
{
	struct rlq_queue *queue = busy_queue();

	for (uint32_t slot = 0; slot < 1 << SEG_ORDER_FIRST; slot++)
		store_seq(&slot_of(queue, slot)->word.low, 15);
	cr_expect_eq(verify("q"), 1 << SEG_ORDER_FIRST);
	cr_expect_eq(sentences, 1000);
}
