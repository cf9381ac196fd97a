#include "client/internal.h"
#include "kmod-free/sysops.h"
#include "shm/move.h"
#include "tests/support/leaks.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

static struct rlq_queue *queue, *dlq;

static void set_up(void)
{
	queues_begin();
	queue = queue_with_dlq("q", 2, &dlq);
}

TestSuite(move, .init = set_up, .fini = queues_end, .timeout = 60);

/* Receives `text` as often as it may be, and lets the last lease end. */
static struct rlq_message use_up(const char *text)
{
	struct rlq_message message;

	send_text(queue, text);
	for (int i = 0; i < 2; i++) {
		message = receive_one(queue);
		cr_assert(body_is(&message, text));
		time_passes(1000 + LEASE_SLACK_MS);
	}
	return message;
}

static int nothing_now(struct rlq_queue *from)
{
	struct rlq_message message;

	return receive_now(from, &message, 1);
}

Test(move, shouldHappenAtTheReceiveThatIsOneTooMany)
{
	struct rlq_message message;

	use_up("poison");
	cr_assert_eq(stat_of(dlq).visible, 0);
	cr_assert_eq(nothing_now(queue), 0);
	cr_assert_eq(stat_of(dlq).visible, 1);
	cr_assert_eq(stat_of(queue).moved_to_dlq, 1);
	cr_assert_eq(stat_of(queue).visible + stat_of(queue).in_flight, 0);
	message = receive_one(dlq);
	cr_assert(body_is(&message, "poison"));
	cr_assert_eq(message.receive_count, 3, "the count goes on");
}

Test(move, shouldKeepEverythingAndNoteWhereFromAndWhy)
{
	struct rlq_attribute attribute = {.name = "n", .type = RLQ_NUMBER, .value = "42", .value_bytes = 2};
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_message_id id;
	struct rlq_message message;
	uint64_t sent_ms = wall_now(), first_ms;

	options.attributes = &attribute;
	options.attribute_count = 1;
	cr_assert_eq(rlq_send(queue, "body", 4, &options, &id), 0);
	time_passes(10);
	first_ms = wall_now();
	for (int i = 0; i < 2; i++) {
		receive_one(queue);
		time_passes(2000);
	}
	cr_assert_eq(nothing_now(queue), 0);
	message = receive_one(dlq);
	cr_assert_eq(memcmp(&message.id, &id, sizeof(id)), 0);
	cr_assert_eq(message.sent_ms, sent_ms);
	cr_assert_eq(message.first_receive_ms, first_ms);
	cr_assert_eq(message.attribute_count, 1);
	cr_assert_str_eq(message.attributes[0].name, "n");
	cr_assert_str_eq(message.dlq_source, "q");
	cr_assert_str_eq(message.dlq_reason, "received too often");
}

Test(move, shouldMoveLargeAndEmptyBodies)
{
	static unsigned char large[300000];
	struct rlq_message message;

	memset(large, 7, sizeof(large));
	cr_assert_eq(rlq_send(queue, large, sizeof(large), NULL, NULL), 0);
	cr_assert_eq(rlq_send(queue, NULL, 0, NULL, NULL), 0);
	for (int i = 0; i < 2; i++) {
		receive_one(queue);
		receive_one(queue);
		time_passes(2000);
	}
	cr_assert_eq(nothing_now(queue), 0);
	for (int i = 0; i < 2; i++) {
		message = receive_one(dlq);
		cr_assert(message.body_bytes == 0 || memcmp(message.body, large, sizeof(large)) == 0);
		cr_assert_str_eq(message.dlq_source, "q");
	}
	cr_assert_eq(faults_of("q") + faults_of("dlq"), 0);
}

Test(move, shouldLeaveTheLastHolderItsDeleteUntilThen)
{
	struct rlq_message message = use_up("poison");

	cr_assert_eq(rlq_delete(queue, &message.receipt), 0);
	cr_assert_eq(nothing_now(queue), 0);
	cr_assert_eq(stat_of(dlq).visible, 0);
}

/* Of one message, with two slots. */
static struct rlq_queue *small_dlq(void)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *small;

	attributes.capacity = 1;
	small = queue_make("small", &attributes);
	attributes = (struct rlq_queue_attributes)RLQ_QUEUE_ATTRIBUTES_INIT;
	attributes.visibility_ms = 1000;
	attributes.receives_max = 2;
	strcpy(attributes.dlq, "small");
	cr_assert_eq(rlq_queue_set_attributes(queue, &attributes), 0);
	return small;
}

Test(move, shouldLeaveAMessageDeadWhileTheDlqIsFull)
{
	struct rlq_queue *small = small_dlq();
	struct rlq_message blocker;

	send_text(small, "blocker");
	use_up("poison");
	cr_assert_eq(nothing_now(queue), 0);
	cr_assert_eq(stat_of(queue).dead, 1);
	cr_assert_eq(stat_of(queue).visible, 1, "on its way, it counts as visible");
	cr_assert_eq(stat_of(queue).dlq_error, RLQ_EFULL, "stat says why");
	sweep_now(queue);
	cr_assert_eq(stat_of(queue).dead, 1);
	blocker = receive_one(small);
	cr_assert_eq(rlq_delete(small, &blocker.receipt), 0);
	sweep_now(queue);
	cr_assert_eq(stat_of(queue).dead, 0);
	cr_assert_eq(stat_of(queue).dlq_error, 0);
	cr_assert_eq(stat_of(small).visible, 1);
}

/* Messages that are being written do not count as there. */
Test(move, shouldLeaveAMessageDeadWhileAllSlotsOfTheDlqAreBeingWritten)
{
	struct rlq_queue *writers[2] = {small_dlq(), queue_again("small")};
	struct rlq_reservation reservations[2];

	for (int i = 0; i < 2; i++)
		cr_assert_eq(rlq_reserve(writers[i], 1, NULL, &reservations[i]), 0);
	use_up("poison");
	cr_assert_eq(nothing_now(queue), 0);
	cr_assert_eq(stat_of(queue).dlq_error, RLQ_EFULL);
	cr_assert_eq(stat_of(queue).dead, 1);
	cr_assert_eq(rlq_abandon(writers[0], &reservations[0]), 0);
	sweep_now(queue);
	cr_assert_eq(stat_of(queue).dead, 0);
	cr_assert_str_eq(drain(writers[1]), "poison");
}

static int tries;
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);

/* Each try to open a queue maps it; at a given address once more, where huge pages fit. */
static void *counting_mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	tries += bytes == SEG_MAP_BYTES && address == NULL;
	return real_mmap(address, bytes, protection, flags, fd, offset);
}

enum { DEAD_COUNT = 50 };

/* That many wait for a DLQ that is being removed: its file is there, and cannot be used. */
static void wait_for_a_broken_dlq(void)
{
	fetch_or_seq(&dlq->seg->header->rings, RINGS_REMOVED);
	for (int i = 0; i < DEAD_COUNT; i++)
		send_text(queue, "poison");
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < DEAD_COUNT; i++)
			receive_one(queue);
		time_passes(1000 + LEASE_SLACK_MS);
	}
	cr_assert_eq(nothing_now(queue), 0);
	cr_assert_eq(stat_of(queue).dead, DEAD_COUNT);
}

Test(move, shouldTryOneMessageASweepWhileTheDlqCannotBeUsed)
{
	wait_for_a_broken_dlq();
	real_mmap = os_sys.mmap;
	os_sys.mmap = counting_mmap;
	tries = 0;
	sweep_now(queue);
	os_sys.mmap = real_mmap;
	cr_assert_eq(tries, 1);
	cr_assert_eq(stat_of(queue).visible, DEAD_COUNT);
	cr_assert_eq(stat_of(queue).dlq_error, RLQ_EREMOVED);
	fetch_and_seq(&dlq->seg->header->rings, ~RINGS_REMOVED);
	sweep_now(queue);
	cr_assert_eq(stat_of(dlq).visible, DEAD_COUNT, "then all of them move");
}

Test(move, shouldShowAllDeadMessagesAgainOnceTheDlqIsGone)
{
	wait_for_a_broken_dlq();
	cr_assert_eq(rlq_queue_remove(queues_directory(), "dlq"), 0);
	sweep_now(queue);
	cr_assert_eq(stat_of(queue).dead, 0);
	cr_assert_eq(stat_of(queue).visible, DEAD_COUNT);
}

Test(move, shouldTakeTurnsWithOtherQueuesWhenMuchIsToBeMoved)
{
	struct sweep sweep = {0};

	wait_for_a_broken_dlq();
	fetch_and_seq(&dlq->seg->header->rings, ~RINGS_REMOVED);
	cr_assert(seg_sweep_step(queue->seg, &sweep, 1000));
	cr_assert_lt(stat_of(dlq).visible, 20);
	while (seg_sweep_step(queue->seg, &sweep, 1000))
		;
	cr_assert_eq(stat_of(dlq).visible, DEAD_COUNT);
}

Test(move, shouldLetTheHolderOfADeadMessageDeleteIt)
{
	struct rlq_message message, blocker;

	send_text(dlq, "x");
	blocker = receive_one(dlq);
	message = use_up("poison");
	/* Make it DEAD without moving it. */
	cr_assert_eq(seg_enter(queue->seg), 0);
	cr_assert(slot_change(&queue->seg->ring[0].slots[0], slot_read(&queue->seg->ring[0].slots[0]),
			      word_with_state(slot_read(&queue->seg->ring[0].slots[0]), SLOT_DEAD)));
	seg_leave(queue->seg);
	cr_assert_eq(rlq_extend(queue, &message.receipt, 1000), RLQ_ESTALE, "it cannot be kept");
	cr_assert_eq(rlq_delete(queue, &message.receipt), 0);
	cr_assert_eq(rlq_delete(dlq, &blocker.receipt), 0);
}

/* ---- deleted while it is moved ---------------------------------------------------------------- */

static struct os_sysops real;
static struct rlq_queue *deleter;
static struct rlq_receipt last_receipt;
static int allocate_error;

/* The copy needs memory for its block: at that moment the message is MOVING. */
static int delete_then_allocate(int fd, int mode, off_t offset, off_t bytes)
{
	if (deleter && !(mode & FALLOC_FL_PUNCH_HOLE)) {
		struct rlq_queue *once = deleter;

		deleter = NULL;
		cr_assert_eq(stat_of(once).dead, 1);
		cr_assert_eq(rlq_extend(once, &last_receipt, 1000), RLQ_ESTALE, "it cannot be kept");
		cr_assert_eq(rlq_delete(once, &last_receipt), 0);
		errno = allocate_error;
		return allocate_error ? -1 : real.fallocate(fd, mode, offset, bytes);
	}
	return real.fallocate(fd, mode, offset, bytes);
}

static void move_and_delete(const struct rlq_message *message, int error)
{
	last_receipt = message->receipt;
	allocate_error = error;
	deleter = queue_again("q");
	real = os_sys;
	os_sys.fallocate = delete_then_allocate;
	cr_assert_eq(nothing_now(queue), 0);
	os_sys = real;
	cr_assert_null(deleter, "it was deleted meanwhile");
}

static void expect_no_leaks(void)
{
	const char *leak;

	for (int i = 0; i < 3; i++) {
		leaks_sweep(queue);
		leaks_sweep(dlq);
	}
	leak = leaks_find(queue);
	cr_assert_null(leak, "q: %s", leak);
	leak = leaks_find(dlq);
	cr_assert_null(leak, "dlq: %s", leak);
}

static void expect_nothing_left(void)
{
	cr_assert_eq(stat_of(queue).deleted, 1);
	cr_assert_eq(stat_of(queue).moved_to_dlq, 0);
	cr_assert_eq(stat_of(queue).dlq_error, 0);
	cr_assert_eq(nothing_now(dlq), 0);
	expect_no_leaks();
}

Test(move, shouldLetTheLastHolderDeleteUntilItIsDecided)
{
	struct rlq_message message = use_up("poison");

	move_and_delete(&message, 0);
	expect_nothing_left();
}

Test(move, shouldForgetAFailedCopyOfWhatWasDeleted)
{
	struct rlq_message message = use_up("poison");

	move_and_delete(&message, ENOSPC);
	expect_nothing_left();
}

Test(move, shouldLeaveWhatIsReadInPlaceToItsReaderWhenItIsDeletedMeanwhile)
{
	static char body[1000], other[1000];
	struct rlq_message message;

	memset(body, 'b', sizeof(body));
	memset(other, 'o', sizeof(other));
	cr_assert_eq(rlq_send(queue, body, sizeof(body), NULL, NULL), 0);
	receive_one(queue);
	time_passes(1000 + LEASE_SLACK_MS);
	cr_assert_eq(receive_in_place(queue, &message), 1);
	time_passes(1000 + LEASE_SLACK_MS);
	sweep_now(queue);
	move_and_delete(&message, 0);
	for (int i = 0; i < 20; i++)
		cr_assert_eq(rlq_send(queue, other, sizeof(other), NULL, NULL), 0);
	sweep_now(queue);
	cr_assert_eq(memcmp(message.body, body, sizeof(body)), 0, "it is still being read");
	cr_assert_eq(rlq_let_go(queue, &message), 0);
	cr_assert_eq(rlq_purge(queue, NULL), 0);
	expect_no_leaks();
}

Test(move, shouldGoOnReceivingWhenTheDlqIsGone)
{
	struct rlq_message message;

	use_up("poison");
	send_text(queue, "other");
	cr_assert_eq(rlq_queue_remove(queues_directory(), "dlq"), 0);
	for (int i = 0; i < 2; i++) {
		message = receive_one(queue);
		if (body_is(&message, "poison"))
			cr_assert_eq(message.receive_count, 3, "as AWS: it stays in its queue");
	}
	cr_assert_eq(nothing_now(queue), 0);
	time_passes(2000);
	sweep_now(queue);
	cr_assert_eq(stat_of(queue).visible, 2);
	cr_assert_eq(stat_of(queue).dlq_error, RLQ_ENODLQ);
}

Test(move, shouldUseADlqThatWasMadeAgain)
{
	use_up("one");
	cr_assert_eq(nothing_now(queue), 0);
	cr_assert_eq(rlq_queue_remove(queues_directory(), "dlq"), 0);
	dlq = queue_make("dlq", NULL);
	use_up("two");
	cr_assert_eq(nothing_now(queue), 0);
	cr_assert_eq(stat_of(dlq).visible, 1);
}

Test(move, shouldBeDoneByTheSweepOnceOverdue)
{
	use_up("poison");
	sweep_now(queue);
	cr_assert_eq(stat_of(dlq).visible, 0, "somebody may still delete it");
	time_passes(30000 + LEASE_SLACK_MS);
	sweep_now(queue);
	cr_assert_eq(stat_of(dlq).visible, 1);
}

/* ---- redrive ---------------------------------------------------------------------------------- */

Test(move, shouldRedriveBackWithANewCountAndWithoutNotes)
{
	struct rlq_message message;
	uint64_t moved = 0;

	use_up("poison");
	cr_assert_eq(nothing_now(queue), 0);
	cr_assert_eq(rlq_redrive(dlq, NULL, 0, &moved), 0);
	cr_assert_eq(moved, 1);
	message = receive_one(queue);
	cr_assert(body_is(&message, "poison"));
	cr_assert_eq(message.receive_count, 1);
	cr_assert_null(message.dlq_source);
	cr_assert_null(message.dlq_reason);
	cr_assert_eq(stat_of(dlq).visible, 0);
}

Test(move, shouldRedriveElsewhereUpToANumber)
{
	struct rlq_queue *elsewhere = queue_make("elsewhere", NULL);
	uint64_t moved = 0;

	for (int i = 0; i < 5; i++)
		send_text(dlq, "m");
	cr_assert_eq(rlq_redrive(dlq, "elsewhere", 3, &moved), 0);
	cr_assert_eq(moved, 3);
	cr_assert_eq(stat_of(elsewhere).visible, 3);
	cr_assert_eq(stat_of(dlq).visible, 2);
	receive_one(dlq);
	cr_assert_eq(rlq_redrive(dlq, "elsewhere", 0, &moved), 0);
	cr_assert_eq(moved, 1, "what is in flight stays");
}

/* As it is left by a redrive that was killed before it was decided. */
Test(move, shouldGiveBackAMessageWhoseRedriveWasKilled)
{
	struct slot *slot = &queue->seg->ring[seg_newest_ring(queue->seg)].slots[0];
	struct slot_word ready, moving;
	struct rlq_message message;
	struct rlq_queue *killed;

	cr_assert_eq(rlq_queue_open(queues_directory(), "q", &killed), 0);
	send_text(queue, "m");
	ready = slot_read(slot);
	moving = word_with_deadline(word_with_owner(word_with_state(ready, SLOT_MOVING), killed->seg->row),
				    killed->seg->serial);
	rlq_queue_close(killed);
	cr_assert(slot_change(slot, ready, moving));
	sweep_now(queue);
	sweep_now(queue);
	cr_assert_eq(stat_of(dlq).visible, 0, "it was never received");
	message = receive_one(queue);
	cr_assert(body_is(&message, "m"));
}

Test(move, shouldSayWhyARedriveCannotBe)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	uint64_t moved = 9;

	send_text(dlq, "from nowhere");
	send_text(dlq, "from nowhere");
	cr_expect_eq(rlq_redrive(dlq, NULL, 0, &moved), RLQ_ENODLQ);
	cr_expect_eq(moved, 0);
	cr_expect_eq(rlq_redrive(dlq, "none", 0, &moved), RLQ_ENODLQ);
	cr_expect_eq(rlq_redrive(dlq, "dlq", 0, &moved), RLQ_ENODLQ, "not to itself");
	cr_expect_eq(rlq_redrive(dlq, "no name", 0, &moved), RLQ_ENODLQ);
	attributes.capacity = 1;
	queue_make("one", &attributes);
	cr_expect_eq(rlq_redrive(dlq, "one", 0, &moved), RLQ_EFULL);
	cr_expect_eq(moved, 1, "what was moved before counts");
	cr_expect_eq(stat_of(dlq).visible, 1);
	cr_expect_eq(faults_of("dlq"), 0);
}
