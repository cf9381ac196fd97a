/* Messages that move between durable queues: each is in one of them. */
#include "shm/durable.h"
#include "shm/move.h"
#include "shm/reap.h"
#include "shm/window.h"
#include "tests/unit/journaling_fixture.h"

#include <criterion/criterion.h>

TestSuite(journaling_moves, .init = journaling_test_begin, .fini = journaling_test_end, .timeout = 120);

Test(journaling_moves, a_copy_deleted_while_its_mover_is_stopped_stays_away,
     .description = "between the copy's arrival and the end of the move")
{
	struct rlq_queue *dlq = made("dlq", RLQ_SYNC), *queue = made_with_dlq("q", RLQ_SYNC);
	struct rlq_message message;
	struct slot *source, *copy;
	struct slot_word moved;
	uint64_t place;

	send_numbered(queue, 7, 1, 500);
	send_numbered(dlq, 7, 1, 500);
	place = only_place(queue, &source);
	moved = word_with_state(slot_read(source), SLOT_MOVED);
	moved.bits.high = only_place(dlq, &copy);
	store_seq(&queue->seg->header->move_target[0], dlq->seg->file);
	cr_assert(slot_change(source, slot_read(source), moved));
	ring_mark(&queue->seg->ring[rings_at(queue->seg->rings, 0)], place_unpack(place).slot);
	cr_assert_eq(rlq_receive(dlq, &message, 1, NULL), 1);
	cr_assert_eq(rlq_delete(dlq, &message.receipt), 0);
	rlq_queue_close(queue);
	rlq_queue_close(dlq);
	reboot_machine();
	queue = opened("q");
	cr_assert_eq(rlq_receive(queue, &message, 1, NULL), 0, "deleted, and back");
	rlq_queue_close(queue);
}

Test(journaling_moves, who_finishes_a_move_marks_the_copy,
     .description = "since its mover may be stopped before it did, and the source goes")
{
	struct rlq_queue *dlq = made("dlq", RLQ_SYNC), *queue = made_with_dlq("q", RLQ_SYNC);
	struct slot *source, *copy;
	struct slot_word moved;
	struct marks_taking taking = {0};
	struct place from, to;
	struct ring *ring;
	uint64_t bits = 0;
	uint32_t slot;

	send_numbered(queue, 7, 1, 500);
	send_numbered(dlq, 7, 1, 500);
	journaling_stop(journaling);
	journaling = NULL;
	from = place_unpack(only_place(queue, &source));
	to = place_unpack(only_place(dlq, &copy));
	moved = word_with_state(slot_read(source), SLOT_MOVED);
	moved.bits.high = place_pack(to.ring, to.slot, word_generation(slot_read(copy)));
	store_seq(&queue->seg->header->move_target[0], dlq->seg->file);
	cr_assert(slot_change(source, slot_read(source), moved));
	cr_assert_eq(seg_enter(dlq->seg), 0);
	cr_assert_eq(seg_enter(queue->seg), 0);
	ring = &dlq->seg->ring[to.ring];
	while (marks_take(&ring->marks, &taking, &slot, &bits))
		;
	cr_assert(seg_finish_moved(queue->seg, from.ring, from.slot, moved));
	taking = (struct marks_taking){0};
	cr_assert(marks_take(&ring->marks, &taking, &slot, &bits));
	cr_assert(bits >> (to.slot % 64) & 1);
	seg_leave(queue->seg);
	seg_leave(dlq->seg);
	rlq_queue_close(queue);
	rlq_queue_close(dlq);
}

Test(journaling_moves, what_is_moved_while_it_is_read_in_place_is_in_one_queue,
     .description = "though its slot stays until the reader lets go")
{
	struct rlq_queue *dlq = made("dlq", RLQ_SYNC), *reader = made_with_dlq("q", RLQ_SYNC), *other = opened("q");
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message;
	struct slot *slot;

	options.flags = RLQ_RECEIVE_IN_PLACE;
	options.visibility_ms = 0;
	options.wait_ms = 0;
	send_numbered(reader, 1, 1, 500);
	only_place(reader, &slot);
	cr_assert_eq(rlq_receive(reader, &message, 1, &options), 1);
	cr_assert_eq(rlq_receive(other, &message, 1, &options), 0, "one receive too many");
	cr_assert(word_was_moved(slot_read(slot)));
	cr_assert_eq(word_state(slot_read(slot)), SLOT_HELD);
	send_numbered(dlq, 2, 1, 500); /* a turn */
	rlq_queue_close(other);
	rlq_queue_close(reader);
	rlq_queue_close(dlq);
	reboot_machine();
	reader = opened("q");
	dlq = opened("dlq");
	cr_assert_eq(drain_numbered(reader, 0, 500), 0);
	cr_assert_eq(drain_numbered(dlq, 1, 500), 2);
	rlq_queue_close(reader);
	rlq_queue_close(dlq);
}

Test(journaling_moves, a_move_waits_for_the_journal_of_its_target)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_queue *dlq = made("dlq", RLQ_SYNC), *queue = made_with_dlq("q", RLQ_MEMORY);
	struct rlq_message message;

	send_numbered(queue, 7, 1, 500);
	options.visibility_ms = 0;
	options.wait_ms = 0;
	cr_assert_eq(rlq_receive(queue, &message, 1, &options), 1);
	journaling_stop(journaling);
	cr_assert_eq(rlq_receive(queue, &message, 1, &options), 0);
	cr_assert_eq(rlq_receive(dlq, &message, 1, &options), 0);
	rlq_queue_close(dlq);
	rlq_queue_close(queue);
	rlq_directory_close(directory);
	start_engine();
	queue = opened("q");
	dlq = opened("dlq");
	os_clock_read(&queue->seg->clock);
	while (seg_sweep_step(queue->seg, &queue->sweep, UINT32_MAX))
		;
	cr_assert_eq(rlq_receive(dlq, &message, 1, &options), 1);
	rlq_queue_close(dlq);
	rlq_queue_close(queue);
}

static uint64_t turn_of_writes;
static size_t written_in_turn, most_in_turn;

/* But the zeros of files that are made. */
static int64_t write_and_count(int fd, const void *bytes, size_t count, uint64_t offset)
{
	uint64_t begun = load_seq(&directory->seg.engine->turn_begun);

	if (begun != turn_of_writes)
		written_in_turn = 0;
	turn_of_writes = begun;
	written_in_turn += *(const unsigned char *)bytes ? count : 0;
	if (written_in_turn > most_in_turn)
		most_in_turn = written_in_turn;
	return os_disk_real.write_durably(fd, bytes, count, offset);
}

/* The journal cannot refuse them any more, and keeps room for no more than this. */
Test(journaling_moves, no_turn_has_more_moves_than_there_is_room_for)
{
	enum { ROUNDS = 8, BYTES = 8000, FILE = 4 << 20, MOST = MOVES_BYTES * 3 / 2 };
	struct os_disk disk = os_disk_real;
	struct journaling_options options = engine_options(&disk);
	struct rlq_receive_options at_once = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;
	static char body[BYTES];
	struct rlq_queue *queue, *dlq;
	struct rlq_message messages[64];
	uint64_t moved;

	stop_engine();
	options.file_bytes = FILE;
	disk.queue = NULL;
	start_engine_with(&options);
	dlq = made("dlq", RLQ_SYNC);
	queue = made_with_dlq("q", RLQ_SYNC);
	at_once.visibility_ms = 0;
	at_once.wait_ms = 0;
	for (int i = 0; i < ROUNDS * 64; i++)
		cr_assert_eq(rlq_send(queue, body, BYTES, NULL, NULL), 0);
	for (int i = 0; i < ROUNDS; i++)
		cr_assert_eq(rlq_receive(queue, messages, 64, &at_once), 64);
	rlq_queue_close(queue);
	rlq_queue_close(dlq);
	stop_engine();
	disk.write = disk.write_durably = write_and_count;
	start_engine_with(&options);
	cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	most_in_turn = 0;
	queue = opened("q");
	dlq = opened("dlq");
	do { /* each is received too often, and some wait for the sweep */
		cr_assert_eq(rlq_receive(queue, messages, 64, &at_once), 0);
		os_clock_read(&queue->seg->clock);
		seg_sweep_step(queue->seg, &queue->sweep, UINT32_MAX);
		cr_assert_eq(rlq_queue_stat(dlq, &stat), 0);
	} while (stat.visible < ROUNDS * 64);
	cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	cr_expect_gt(most_in_turn, 0);
	cr_expect_lt(most_in_turn, MOST, "%zu bytes", most_in_turn);
	cr_expect_eq(rlq_redrive(dlq, NULL, 0, &moved), 0);
	cr_expect_eq(moved, ROUNDS * 64);
	cr_expect_lt(most_in_turn, MOST, "%zu bytes", most_in_turn);
	rlq_queue_close(queue);
	rlq_queue_close(dlq);
}
