/* Both halves of a move that its owner has left behind, made by hand: who meets one finishes it, or waits
 * until the queue that has the other half can be asked. */
#include "client/internal.h"
#include "kmod-free/sysops.h"
#include "shm/dlq.h"
#include "shm/message.h"
#include "shm/move.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct os_sysops real;
static struct rlq_queue *queue, *dlq;
static uint32_t dead_row, dead_serial;

static void set_up(void)
{
	struct rlq_queue *dead;

	queues_begin();
	real = os_sys;
	queue = queue_with_dlq("q", 2, &dlq);
	cr_assert_eq(rlq_queue_open(queues_directory(), "q", &dead), 0);
	dead_row = dead->seg->row;
	dead_serial = dead->seg->serial;
	rlq_queue_close(dead);
}

static void tear_down(void)
{
	os_sys = real;
	queues_end();
}

TestSuite(move_finish, .init = set_up, .fini = tear_down, .timeout = 60);

static struct slot *first_slot(struct rlq_queue *of)
{
	return &of->seg->ring[0].slots[0];
}

static uint64_t first_place(struct rlq_queue *of)
{
	return place_pack(0, 0, word_generation(slot_read(first_slot(of))));
}

static void change(struct slot *slot, struct slot_word to)
{
	cr_assert(slot_change(slot, slot_read(slot), to));
}

/* The message in the first slot of the source is decided to live at `place`. */
static void make_moved(uint64_t place)
{
	struct slot_word word;

	send_text(queue, "body");
	word = word_with_owner(word_with_state(slot_read(first_slot(queue)), SLOT_MOVED), dead_row);
	word.bits.high = place;
	change(first_slot(queue), word);
}

/* The message in the first slot of the DLQ is a whole copy that comes from `incarnation` and `place`. */
static void make_arriving(uint64_t incarnation, uint64_t place, uint64_t file)
{
	struct origin origin = {.incarnation = incarnation, .place = place, .file = file};
	struct slot *slot = first_slot(dlq);
	static char large[1000] = "copy";
	struct slot_word word;

	cr_assert_eq(rlq_send(dlq, large, sizeof(large), NULL, NULL), 0);
	origin.copy = first_place(dlq);
	memcpy(slot->message.inline_bytes + ORIGIN_OFFSET, &origin, sizeof(origin));
	word = word_with_owner(word_with_state(slot_read(slot), SLOT_ARRIVING), dead_row);
	change(slot, word_with_deadline(word, dead_serial));
}

static enum slot_state state_of(struct rlq_queue *of)
{
	return word_state(slot_read(first_slot(of)));
}

static void note_target(uint64_t file)
{
	store_seq(&queue->seg->header->move_target[0], file);
}

/* A move that was killed just after it was decided. */
static void make_decided(void)
{
	send_text(queue, "body");
	make_arriving(queue->seg->incarnation, first_place(queue), queue->seg->file);
	change(first_slot(queue),
	       (struct slot_word){
		       {.low = word_with_owner(word_with_state(slot_read(first_slot(queue)), SLOT_MOVED), dead_row)
				       .bits.low,
			.high = first_place(dlq)}});
	note_target(dlq->seg->file);
}

static void expect_moved(void)
{
	struct rlq_message message;

	cr_expect_eq(state_of(queue), SLOT_FREE);
	message = receive_one(dlq);
	cr_expect_eq(message.body_bytes, 1000);
	cr_expect_eq(stat_of(queue).visible + stat_of(queue).in_flight, 0);
	cr_expect_eq(faults_of("q") + faults_of("dlq"), 0);
}

Test(move_finish, shouldBeDoneByWhoMeetsTheSource)
{
	make_decided();
	sweep_now(queue);
	expect_moved();
}

Test(move_finish, shouldBeDoneByWhoMeetsTheCopy)
{
	make_decided();
	sweep_now(dlq);
	expect_moved();
}

static bool has_copy(const struct rlq_queue *source, uint32_t slot, uint64_t place)
{
	struct slot_word word = slot_read(first_slot(queue)), found;
	uint32_t found_ring, found_slot;
	bool has;

	word.bits.high = place;
	cr_assert_eq(seg_enter(dlq->seg), 0);
	has = seg_has_copy(dlq->seg, source->seg, 0, slot, word, &found_ring, &found_slot, &found);
	seg_leave(dlq->seg);
	return has;
}

Test(move_finish, shouldKnowTheCopyByWhereItComesFrom)
{
	struct origin *origin = (struct origin *)(void *)(first_slot(dlq)->message.inline_bytes + ORIGIN_OFFSET);
	uint64_t place;

	make_decided();
	place = first_place(dlq);
	cr_expect(has_copy(queue, 0, place));
	cr_expect_not(has_copy(dlq, 0, place), "from another queue");
	cr_expect_not(has_copy(queue, 1, place), "from another slot");
	cr_expect_not(has_copy(queue, 0, place + 1), "not there");
	origin->copy++;
	cr_expect_not(has_copy(queue, 0, place), "of an earlier message of the slot");
}

/* ---- the other queue cannot be asked ---------------------------------------------------------- */

static void *refused_mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	(void)address, (void)bytes, (void)protection, (void)flags, (void)fd, (void)offset;
	errno = ENOMEM;
	return MAP_FAILED;
}

Test(move_finish, shouldWaitWhileTheOtherQueueCannotBeOpened)
{
	make_decided();
	os_sys.mmap = refused_mmap;
	sweep_now(queue);
	sweep_now(dlq);
	os_sys = real;
	cr_expect_eq(state_of(queue), SLOT_MOVED);
	cr_expect_eq(state_of(dlq), SLOT_ARRIVING);
	sweep_now(queue);
	expect_moved();
}

static void damage(struct rlq_queue *of)
{
	of->seg->header->identity.capacity ^= 1;
}

/* What a damaged queue holds is as good as gone, and what it had decided is not known. */
Test(move_finish, shouldLetACopyArriveWhoseSourceIsDamaged)
{
	make_decided();
	damage(queue);
	sweep_now(dlq);
	cr_expect_eq(state_of(dlq), SLOT_READY);
	cr_expect_eq(receive_one(dlq).body_bytes, 1000);
	cr_expect_eq(stat_of(dlq).sent, 2, "by its sender, then by who let it arrive");
}

static void make_of_another_version(struct rlq_queue *of)
{
	of->seg->header->identity.abi_major++;
	of->seg->header->mirror.abi_major++;
}

static void make_of_another_boot(struct rlq_queue *of)
{
	of->seg->header->identity.boot_id[0] ^= 1;
	of->seg->header->mirror.boot_id[0] ^= 1;
}

static void begin_removal(struct rlq_queue *of)
{
	fetch_or_seq(&of->seg->header->rings, RINGS_REMOVED);
}

Test(move_finish, shouldLetACopyArriveWhoseSourceCanNeverBeUsedAgain)
{
	static void (*const ends[])(struct rlq_queue *) = {make_of_another_version, make_of_another_boot,
							   begin_removal};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		make_decided();
		ends[i](queue);
		sweep_now(dlq);
		cr_expect_eq(state_of(dlq), SLOT_READY, "%zu", i);
		queues_end();
		set_up();
	}
}

Test(move_finish, shouldFreeASourceWhoseTargetIsDamaged)
{
	make_decided();
	damage(dlq);
	sweep_now(queue);
	cr_expect_eq(state_of(queue), SLOT_FREE);
}

Test(move_finish, shouldLetACopyArriveWhoseSourceIsGone)
{
	make_arriving(12345, place_pack(0, 0, 1), 6789);
	sweep_now(dlq);
	cr_expect_eq(state_of(dlq), SLOT_READY);
	cr_expect_eq(receive_one(dlq).body_bytes, 1000);
}

/* ---- the other half is not ours --------------------------------------------------------------- */

Test(move_finish, shouldFreeACopyWhoseSourceHasDecidedForAnother)
{
	make_decided();
	change(first_slot(queue), (struct slot_word){{.low = slot_read(first_slot(queue)).bits.low,
						      .high = first_place(dlq) ^ UINT64_C(1) << 5}});
	sweep_now(dlq);
	cr_expect_eq(state_of(dlq), SLOT_FREE);
	cr_expect_eq(state_of(queue), SLOT_MOVED, "its own target may come yet");
}

Test(move_finish, shouldFreeACopyWhoseSourceIsNoSlot)
{
	static const uint64_t places[] = {
		(UINT64_C(1) << 63) | 5,		      /* a ring that is not there */
		(UINT64_C(1) << 63) | UINT64_C(0xfffff) << 3, /* a slot behind the last */
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		uint64_t memory = stat_of(queue).memory_bytes;

		make_arriving(queue->seg->incarnation, places[i], queue->seg->file);
		sweep_now(dlq);
		cr_expect_eq(stat_of(queue).memory_bytes, memory, "looking there would take some");
		cr_expect_eq(state_of(dlq), SLOT_FREE);
		cr_assert_eq(rlq_purge(dlq, NULL), 0);
		queues_end();
		set_up();
	}
}

/* The place where our copy was has been used again: by a move from elsewhere. */
static void expect_other_arrival_left_alone(uint64_t incarnation, uint64_t place)
{
	make_arriving(incarnation, place, 6789);
	make_moved(first_place(dlq));
	note_target(UINT64_MAX);
	sweep_now(queue);
	cr_expect_eq(state_of(queue), SLOT_FREE, "its copy has arrived long ago");
	cr_expect_eq(state_of(dlq), SLOT_ARRIVING);
}

Test(move_finish, shouldNotLetACopyFromAnotherQueueArrive)
{
	expect_other_arrival_left_alone(12345, first_place(queue));
}

Test(move_finish, shouldNotLetACopyFromAnotherSlotArrive)
{
	expect_other_arrival_left_alone(queue->seg->incarnation, place_pack(0, 9, 1));
}

/* ---- many targets ----------------------------------------------------------------------------- */

Test(move_finish, shouldLookEverywhereOnceThereWereTooManyTargets)
{
	atomic_u64 *last = &queue->seg->header->move_target[SEG_TARGET_COUNT - 1];
	uint64_t moved;

	for (int i = 0; i < SEG_TARGET_COUNT + 1; i++) {
		char name[8];

		snprintf(name, sizeof(name), "t%d", i);
		queue_make(name, NULL);
		send_text(queue, "m");
		cr_assert_eq(rlq_redrive(queue, name, 0, &moved), 0);
		cr_assert_eq(moved, 1);
		cr_expect_eq(load_seq(last) == UINT64_MAX, i == SEG_TARGET_COUNT, "%d", i);
	}
}

/* ---- a target that cannot be used ------------------------------------------------------------- */

Test(move_finish, shouldRefuseATargetThatIsBeingRemoved)
{
	struct slot_word ready;

	send_text(queue, "m");
	ready = slot_read(first_slot(queue));
	fetch_or_seq(&dlq->seg->header->rings, RINGS_REMOVED);
	cr_assert_eq(seg_enter(queue->seg), 0);
	cr_expect_eq(seg_move(queue->seg, 0, 0, ready, dlq->seg, MOVE_REDRIVE), RLQ_EREMOVED);
	seg_leave(queue->seg);
	cr_expect_eq(slot_read(first_slot(queue)).bits.low, ready.bits.low);
	cr_expect_eq(load_seq(&queue->seg->header->move_target[0]), 0);
}

Test(move_finish, shouldDoWithoutADlqThatIsNotNamed)
{
	struct segment *target = dlq->seg;

	store_seq(&queue->seg->header->attribute[ATTRIBUTE_DLQ], 0);
	cr_expect_eq(seg_dlq(queue->seg, &target), 0);
	cr_expect_null(target);
	target = dlq->seg;
	store_seq(&queue->seg->header->attribute[ATTRIBUTE_DLQ], 3);
	cr_expect_eq(seg_dlq(queue->seg, &target), RLQ_EDAMAGED);
	cr_expect_null(target);
}
