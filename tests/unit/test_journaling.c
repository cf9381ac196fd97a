/* Durable queues by the public calls, with the journal's thread in this process: what is there after a reboot. */
#include "client/internal.h"
#include "daemon/format.h"
#include "daemon/journaling.h"
#include "kmod-free/clock.h"
#include "kmod-free/sysops.h"
#include "ringlease-engine.h"
#include "shm/durable.h"
#include "shm/message.h"
#include "shm/move.h"
#include "shm/reap.h"
#include "shm/window.h"
#include "tests/support/tmpdir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SMALL_FILE = 64 << 10 };

static char queues[TMPDIR_BYTES], data[TMPDIR_BYTES];
static struct rlq_directory *directory;
static struct journaling *journaling;

static __attribute__((format(printf, 2, 3))) void say(void *context, const char *format, ...)
{
	(void)context;
	(void)format;
}

static void start_on(const struct os_disk *disk)
{
	struct journaling_options options = {.data = data, .disk = disk, .file_bytes = SMALL_FILE, .say = say};

	cr_assert_eq(rlq_directory_open(queues, &directory), 0);
	cr_assert_eq(journaling_start(&directory->seg, &options, &journaling), 0);
}

static void start(void)
{
	start_on(&os_disk_real);
}

static void stop(void)
{
	journaling_stop(journaling);
	rlq_directory_close(directory);
}

/* The queues are gone; the journal is not. */
static void reboot(void)
{
	stop();
	tmpdir_empty(queues);
	start();
}

/* Only the engine ends. */
static void restart(void)
{
	stop();
	start();
}

static void set_up(void)
{
	tmpdir_make(queues);
	tmpdir_make(data);
	start();
}

static void tear_down(void)
{
	stop();
	tmpdir_empty(queues);
	tmpdir_remove(queues);
	tmpdir_empty(data);
	tmpdir_remove(data);
}

TestSuite(journaling, .init = set_up, .fini = tear_down, .timeout = 120);

static struct rlq_queue *opened(const char *name)
{
	struct rlq_queue *queue;

	cr_assert_eq(rlq_queue_open(directory, name, &queue), 0);
	return queue;
}

static struct rlq_queue *made(const char *name, enum rlq_durability durability)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.durability = durability;
	cr_assert_eq(rlq_queue_create(directory, name, &attributes), 1);
	return opened(name);
}

/* Sends `count` numbered bodies of `bytes`, a batch at a time. */
static void send_numbered(struct rlq_queue *queue, unsigned first, unsigned count, size_t bytes)
{
	static unsigned char bodies[RLQ_BATCH_MAX][1024];
	struct rlq_send_entry entries[RLQ_BATCH_MAX];

	for (unsigned done = 0; done < count;) {
		unsigned now = count - done < RLQ_BATCH_MAX ? count - done : RLQ_BATCH_MAX;

		for (unsigned i = 0; i < now; i++) {
			unsigned number = first + done + i;

			memset(bodies[i], (int)(number & 0xff), bytes);
			memcpy(bodies[i], &number, sizeof(number));
			entries[i] = (struct rlq_send_entry){
				.body = bodies[i], .body_bytes = bytes, .delay_ms = RLQ_DEFAULT};
		}
		cr_assert_eq(rlq_send_batch(queue, entries, now, NULL, NULL), (int)now);
		done += now;
	}
}

/* Receives and deletes all; each is of `bytes`, and they come in order from `first` on. */
static unsigned drain_numbered(struct rlq_queue *queue, unsigned first, size_t bytes)
{
	struct rlq_message messages[RLQ_BATCH_MAX];
	struct rlq_receipt receipts[RLQ_BATCH_MAX];
	unsigned next = first;
	int count;

	while ((count = rlq_receive(queue, messages, RLQ_BATCH_MAX, NULL)) > 0) {
		for (int i = 0; i < count; i++, next++) {
			unsigned number;

			memcpy(&number, messages[i].body, sizeof(number));
			cr_assert_eq(number, next);
			cr_assert_eq(messages[i].body_bytes, bytes);
			for (size_t at = sizeof(number); at < bytes; at++)
				cr_assert_eq(((const unsigned char *)messages[i].body)[at], (number & 0xff));
			receipts[i] = messages[i].receipt;
		}
		cr_assert_eq(rlq_delete_batch(queue, receipts, (size_t)count, NULL), count);
	}
	return next - first;
}

static int journal_files(void)
{
	return tmpdir_count(data, "journal-0");
}

/* ---- room -------------------------------------------------------------------------------------- */

static struct rlq_queue *limited(enum rlq_durability durability, uint64_t bytes_max)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.durability = durability;
	attributes.journal_bytes_max = bytes_max;
	cr_assert_eq(rlq_queue_create(directory, "q", &attributes), 1);
	return opened("q");
}

static int sends_refused(struct rlq_queue *queue)
{
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;

	cr_assert_eq(rlq_queue_stat(queue, &stat), 0);
	return stat.sends_refused;
}

Test(journaling, a_queue_keeps_to_its_limit_to_the_message)
{
	struct rlq_queue *queue = limited(RLQ_SYNC, 10 * format_message_bytes(100, 0)),
			 *other = made("p", RLQ_SYNC);
	struct rlq_send_entry entries[16];
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;
	struct rlq_message message;
	char body[201] = "x";

	for (int i = 0; i < 16; i++)
		entries[i] = (struct rlq_send_entry){.body = body, .body_bytes = 100};
	cr_expect_eq(rlq_send_batch(queue, entries, 16, NULL, NULL), 10);
	cr_expect_eq(rlq_queue_stat(queue, &stat), 0);
	cr_expect_eq(stat.visible, 10);
	cr_expect_eq(stat.sent, 10);
	cr_expect_eq(stat.sends_refused, -EDQUOT);
	cr_expect_eq(rlq_send(queue, "", 0, NULL, NULL), RLQ_EDISKFULL);
	cr_expect_eq(rlq_send(other, "", 0, NULL, NULL), 0);
	cr_expect_eq(rlq_receive(queue, &message, 1, NULL), 1);
	cr_expect_eq(rlq_delete(queue, &message.receipt), 0);
	cr_expect_eq(sends_refused(queue), 0);
	cr_expect_eq(rlq_send(queue, body, sizeof(body), NULL, NULL), RLQ_EDISKFULL, "larger than what is left");
	cr_expect_eq(rlq_send(queue, body, 100, NULL, NULL), 0);
	rlq_queue_close(other);
	rlq_queue_close(queue);
	reboot();
	queue = opened("q");
	cr_expect_eq(rlq_queue_stat(queue, &stat), 0);
	cr_expect_eq(stat.visible, 10);
	cr_expect_eq(rlq_send(queue, "", 0, NULL, NULL), RLQ_EDISKFULL, "as before the reboot");
	rlq_queue_close(queue);
}

Test(journaling, a_limit_that_is_raised_or_taken_off_counts_at_once)
{
	struct rlq_queue *queue = limited(RLQ_SYNC, 100);
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	cr_expect_eq(rlq_send(queue, "x", 1, NULL, NULL), 0);
	cr_expect_eq(rlq_send(queue, "x", 1, NULL, NULL), RLQ_EDISKFULL);
	cr_assert_eq(rlq_queue_get_attributes(queue, &attributes), 0);
	cr_expect_eq(attributes.journal_bytes_max, 100);
	attributes.journal_bytes_max = 200;
	cr_assert_eq(rlq_queue_set_attributes(queue, &attributes), 0);
	cr_expect_eq(rlq_send(queue, "x", 1, NULL, NULL), 0);
	cr_expect_eq(rlq_send(queue, "x", 1, NULL, NULL), RLQ_EDISKFULL);
	attributes.journal_bytes_max = 0;
	cr_assert_eq(rlq_queue_set_attributes(queue, &attributes), 0);
	for (int i = 0; i < 10; i++)
		cr_expect_eq(rlq_send(queue, "x", 1, NULL, NULL), 0);
	rlq_queue_close(queue);
}

Test(journaling, a_limit_is_for_queues_with_a_journal)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.journal_bytes_max = 100;
	cr_expect_eq(rlq_queue_create(directory, "m", &attributes), RLQ_EATTRIBUTE);
}

/* Its messages were acknowledged without waiting: all that was taken stays. */
Test(journaling, an_async_queue_at_its_limit_keeps_what_it_took)
{
	struct rlq_queue *queue = limited(RLQ_ASYNC, 1000);
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;
	unsigned taken = 0;
	int error = 0;

	for (; !error; taken += !error) {
		error = rlq_send(queue, "x", 1, NULL, NULL);
		if (!error && taken % 10 == 9)
			cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	}
	cr_expect_eq(error, RLQ_EDISKFULL);
	cr_expect_geq(taken, 1000 / format_message_bytes(1, 0));
	rlq_queue_close(queue);
	reboot();
	queue = opened("q");
	cr_expect_eq(rlq_queue_stat(queue, &stat), 0);
	cr_expect_eq(stat.visible, taken);
	rlq_queue_close(queue);
}

/* Where the message has to go there is no room: it stays, and goes once there is. */
Test(journaling, a_move_to_a_full_queue_waits)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_receive_options at_once = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_queue *dead = limited(RLQ_SYNC, format_message_bytes(1, 0)), *queue;
	struct rlq_message message;
	uint64_t moved = 1;

	attributes.durability = RLQ_SYNC;
	cr_assert_eq(rlq_queue_create(directory, "p", &attributes), 1);
	queue = opened("p");
	cr_assert_eq(rlq_send(dead, "x", 1, NULL, NULL), 0);
	cr_assert_eq(rlq_send(queue, "y", 1, NULL, NULL), 0);
	cr_expect_eq(rlq_redrive(queue, "q", 0, &moved), RLQ_EDISKFULL);
	cr_expect_eq(moved, 0);
	at_once.visibility_ms = 0;
	cr_expect_eq(rlq_receive(queue, &message, 1, &at_once), 1, "it is where it was");
	cr_assert_eq(rlq_receive(dead, &message, 1, NULL), 1);
	cr_assert_eq(rlq_delete(dead, &message.receipt), 0);
	cr_expect_eq(rlq_redrive(queue, "q", 0, &moved), 0);
	cr_expect_eq(moved, 1);
	rlq_queue_close(queue);
	rlq_queue_close(dead);
}

Test(journaling, compaction_that_is_asked_for_gives_files_back)
{
	struct rlq_journal_size before = RLQ_JOURNAL_SIZE_INIT, after = RLQ_JOURNAL_SIZE_INIT;
	struct rlq_queue *queue = made("q", RLQ_SYNC);
	struct rlq_message messages[20];
	struct rlq_receipt receipts[20];
	unsigned kept = 0;
	int count;

	send_numbered(queue, 0, 600, 1000);
	while ((count = rlq_receive(queue, messages, 20, NULL)) > 0) {
		for (int i = 1; i < count; i++)
			receipts[i - 1] = messages[i].receipt;
		cr_assert_eq(rlq_delete_batch(queue, receipts, (size_t)count - 1, NULL), count - 1);
		kept++;
	}
	cr_assert_eq(rlq_journal_compact(queues, &before, &after), 0);
	cr_expect_lt(after.files, before.files);
	cr_expect_eq(after.bytes, after.files * SMALL_FILE);
	cr_expect_eq(after.live_bytes, kept * format_message_bytes(1000, 0));
	cr_expect_eq(rlq_journal_compact(queues, NULL, NULL), 0, "nothing is left to do");
	rlq_queue_close(queue);
	reboot();
	queue = opened("q");
	for (unsigned i = 0; i < kept; i++)
		cr_expect_eq(rlq_receive(queue, messages, 1, NULL), 1);
	cr_expect_eq(rlq_receive(queue, messages, 1, NULL), 0);
	rlq_queue_close(queue);
}

Test(journaling, compaction_needs_an_engine)
{
	stop();
	cr_assert_eq(rlq_directory_open(queues, &directory), 0);
	cr_expect_eq(rlq_journal_compact(queues, NULL, NULL), RLQ_EENGINE);
	rlq_directory_close(directory);
	start();
}

/* ---- reboot and restart ----------------------------------------------------------------------- */

Test(journaling, many_messages_come_back_in_order, .description = "over several rings and files")
{
	struct rlq_queue *queue = made("q", RLQ_SYNC);

	send_numbered(queue, 0, 5000, 200);
	rlq_queue_close(queue);
	reboot();
	queue = opened("q");
	cr_assert_eq(drain_numbered(queue, 0, 200), 5000);
	rlq_queue_close(queue);
	reboot();
	queue = opened("q");
	cr_assert_eq(drain_numbered(queue, 0, 200), 0);
	rlq_queue_close(queue);
}

Test(journaling, a_large_body_comes_back)
{
	enum { BYTES = 3 << 20 };
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	unsigned char *body = malloc(BYTES);
	struct rlq_message message;
	struct rlq_queue *queue;

	attributes.durability = RLQ_SYNC;
	attributes.message_bytes_max = BYTES;
	cr_assert_eq(rlq_queue_create(directory, "q", &attributes), 1);
	queue = opened("q");
	for (size_t i = 0; i < BYTES; i++)
		body[i] = (unsigned char)(i * 31 >> 3);
	cr_assert_eq(rlq_send(queue, body, BYTES, NULL, NULL), 0);
	rlq_queue_close(queue);
	reboot();
	queue = opened("q");
	cr_assert_eq(rlq_receive(queue, &message, 1, NULL), 1);
	cr_assert_eq(message.body_bytes, BYTES);
	cr_assert_eq(memcmp(message.body, body, BYTES), 0);
	rlq_queue_close(queue);
	free(body);
}

Test(journaling, an_engine_that_restarts_doubles_nothing)
{
	struct rlq_queue *queue = made("q", RLQ_SYNC);

	send_numbered(queue, 0, 100, 100);
	rlq_queue_close(queue);
	for (int i = 0; i < 3; i++)
		restart();
	reboot();
	queue = opened("q");
	cr_assert_eq(drain_numbered(queue, 0, 100), 100);
	rlq_queue_close(queue);
}

Test(journaling, async_is_there_once_a_later_turn_is_durable)
{
	struct rlq_queue *loose = made("loose", RLQ_ASYNC), *barrier = made("barrier", RLQ_SYNC);

	send_numbered(loose, 0, 3000, 100);
	cr_assert_eq(rlq_send(barrier, "x", 1, NULL, NULL), 0);
	rlq_queue_close(loose);
	rlq_queue_close(barrier);
	reboot();
	loose = opened("loose");
	cr_assert_eq(drain_numbered(loose, 0, 100), 3000);
	rlq_queue_close(loose);
}

static struct rlq_queue *made_with_dlq(const char *name, const char *dlq)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.durability = RLQ_SYNC;
	attributes.receives_max = 1;
	strcpy(attributes.dlq, dlq);
	cr_assert_eq(rlq_queue_create(directory, name, &attributes), 1);
	return opened(name);
}

/* The place of the only message in the first ring. */
static uint64_t only_place(struct rlq_queue *queue, struct slot **ret_slot)
{
	struct ring *ring;
	uint64_t place = 0;

	cr_assert_eq(seg_enter(queue->seg), 0);
	ring = &queue->seg->ring[rings_at(queue->seg->rings, 0)];
	for (uint32_t i = 0; i <= ring->mask; i++)
		if (word_state(slot_read(&ring->slots[i])) == SLOT_READY) {
			*ret_slot = &ring->slots[i];
			place = place_pack(rings_at(queue->seg->rings, 0), i,
					   word_generation(slot_read(*ret_slot)));
		}
	seg_leave(queue->seg);
	return place;
}

Test(journaling, a_copy_deleted_while_its_mover_is_stopped_stays_away,
     .description = "between the copy's arrival and the end of the move")
{
	struct rlq_queue *dlq = made("dlq", RLQ_SYNC), *queue = made_with_dlq("q", "dlq");
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
	reboot();
	queue = opened("q");
	cr_assert_eq(rlq_receive(queue, &message, 1, NULL), 0, "deleted, and back");
	rlq_queue_close(queue);
}

Test(journaling, who_finishes_a_move_marks_the_copy,
     .description = "since its mover may be stopped before it did, and the source goes")
{
	struct rlq_queue *dlq = made("dlq", RLQ_SYNC), *queue = made_with_dlq("q", "dlq");
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

Test(journaling, an_engine_that_died_amid_a_removal_starts)
{
	struct rlq_queue *queue = made("q", RLQ_SYNC);

	send_numbered(queue, 0, 1, 100);
	/* As the engine's death leaves it: marked, and the journal does not know. */
	journaling_stop(journaling);
	fetch_or_seq(&queue->seg->header->rings, RINGS_REMOVED);
	rlq_queue_close(queue);
	rlq_directory_close(directory);
	start();
	cr_assert_eq(tmpdir_count(queues, "q.rlq"), 0);
	queue = made("q", RLQ_SYNC);
	send_numbered(queue, 5, 1, 100);
	rlq_queue_close(queue);
	reboot();
	queue = opened("q");
	cr_assert_eq(drain_numbered(queue, 5, 100), 1);
	rlq_queue_close(queue);
}

Test(journaling, what_is_deleted_while_it_is_read_in_place_stays_away)
{
	struct rlq_queue *reader = made("q", RLQ_SYNC), *other = opened("q");
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message;

	options.flags = RLQ_RECEIVE_IN_PLACE;
	send_numbered(reader, 1, 1, 500);
	cr_assert_eq(rlq_receive(reader, &message, 1, &options), 1);
	cr_assert_eq(rlq_delete(other, &message.receipt), 0);
	rlq_queue_close(other);
	rlq_queue_close(reader);
	reboot();
	reader = opened("q");
	cr_assert_eq(drain_numbered(reader, 0, 500), 0);
	rlq_queue_close(reader);
}

Test(journaling, what_is_moved_while_it_is_read_in_place_is_in_one_queue,
     .description = "though its slot stays until the reader lets go")
{
	struct rlq_queue *dlq = made("dlq", RLQ_SYNC), *reader = made_with_dlq("q", "dlq"), *other = opened("q");
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
	reboot();
	reader = opened("q");
	dlq = opened("dlq");
	cr_assert_eq(drain_numbered(reader, 0, 500), 0);
	cr_assert_eq(drain_numbered(dlq, 1, 500), 2);
	rlq_queue_close(reader);
	rlq_queue_close(dlq);
}

Test(journaling, what_is_published_in_place_is_there, .description = "and what is only reserved is not")
{
	struct rlq_queue *queue = made("q", RLQ_SYNC);
	struct rlq_reservation published, reserved;
	unsigned number = 0;

	cr_assert_eq(rlq_reserve(queue, sizeof(number), NULL, &published), 0);
	cr_assert_eq(rlq_reserve(queue, sizeof(number), NULL, &reserved), 0);
	memcpy(published.body, &number, sizeof(number));
	cr_assert_eq(rlq_publish(queue, &published, NULL), 0);
	rlq_queue_close(queue);
	reboot();
	queue = opened("q");
	cr_assert_eq(drain_numbered(queue, 0, sizeof(number)), 1);
	rlq_queue_close(queue);
}

/* Tries often, since others may keep us from the processor: who sleeps does so each time. */
Test(journaling, who_comes_after_a_failure_hears_at_once)
{
	struct seg_engine_page *page = directory->seg.engine;
	uint64_t least_ms = UINT64_MAX;

	journaling_stop(journaling);
	journaling = NULL;
	store_seq(&page->journal_error, EIO);
	for (int i = 0; i < 20; i++) {
		uint64_t began_ms = os_boot_ms();

		cr_assert_eq(seg_wait_durable(&directory->seg), RLQ_EJOURNAL);
		if (os_boot_ms() - began_ms < least_ms)
			least_ms = os_boot_ms() - began_ms;
	}
	cr_assert_lt(least_ms, DURABLE_SLICE_MS);
}

/* ---- recovery that is not as usual ------------------------------------------------------------- */

/* Changes a byte of the first frame of a file. */
static void damage_first_frame(const char *name)
{
	int folder = os_disk_real.open_folder(data), fd = os_disk_real.open(folder, name, OS_DISK_WRITE);
	unsigned char byte;

	cr_assert_geq(fd, 0);
	cr_assert_eq(os_disk_real.read(fd, &byte, 1, 4096 + 100), 1);
	byte ^= 1;
	cr_assert_eq(os_disk_real.write(fd, &byte, 1, 4096 + 100), 1);
	os_disk_real.close(fd);
	os_disk_real.close(folder);
}

Test(journaling, what_was_read_before_its_queue_was_known_comes_back,
     .description = "the definition is damaged, and stands in the next file again")
{
	struct rlq_queue *queue = made("q", RLQ_SYNC);

	for (unsigned i = 0; i < 30; i++)
		send_numbered(queue, i * 10, 10, 500);
	rlq_queue_close(queue);
	stop();
	cr_assert_geq(journal_files(), 2);
	damage_first_frame("journal-0000000001");
	tmpdir_empty(queues);
	start();
	queue = opened("q");
	cr_assert_eq(drain_numbered(queue, 0, 500), 300);
	rlq_queue_close(queue);
}

Test(journaling, attributes_are_those_that_were_set_last)
{
	struct rlq_queue_attributes now = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue = made("q", RLQ_SYNC);

	send_numbered(queue, 0, 1, 500);
	cr_assert_eq(rlq_queue_get_attributes(queue, &now), 0);
	now.visibility_ms = 12345;
	cr_assert_eq(rlq_queue_set_attributes(queue, &now), 0);
	rlq_queue_close(queue);
	reboot();
	queue = opened("q");
	cr_assert_eq(rlq_queue_get_attributes(queue, &now), 0);
	cr_assert_eq(now.visibility_ms, 12345);
	cr_assert_eq(drain_numbered(queue, 0, 500), 1);
	rlq_queue_close(queue);
}

Test(journaling, a_queue_removed_and_made_again_has_only_its_own)
{
	struct rlq_queue *queue = made("q", RLQ_SYNC);

	send_numbered(queue, 0, 20, 500);
	rlq_queue_close(queue);
	cr_assert_eq(rlq_queue_remove(directory, "q"), 0);
	queue = made("q", RLQ_SYNC);
	send_numbered(queue, 100, 20, 500);
	rlq_queue_close(queue);
	reboot();
	queue = opened("q");
	cr_assert_eq(drain_numbered(queue, 100, 500), 20);
	rlq_queue_close(queue);
	/* Was the first one only hidden behind its namesake? */
	cr_assert_eq(rlq_queue_remove(directory, "q"), 0);
	reboot();
	cr_assert_eq(rlq_queue_open(directory, "q", &queue), RLQ_ENOQUEUE);
}

static int drafts_at_last_read;

static int64_t read_and_count(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	drafts_at_last_read = tmpdir_count(queues, ".restore-");
	return os_disk_real.read(fd, ret_bytes, count, offset);
}

Test(journaling, what_a_removed_queue_had_is_given_up_while_the_rest_is_read)
{
	static struct os_disk disk;
	struct rlq_queue *gone = made("gone", RLQ_SYNC), *queue = made("q", RLQ_SYNC);

	send_numbered(gone, 0, 20, 500);
	rlq_queue_close(gone);
	cr_assert_eq(rlq_queue_remove(directory, "gone"), 0);
	send_numbered(queue, 0, 300, 500);
	rlq_queue_close(queue);
	stop();
	tmpdir_empty(queues);
	disk = os_disk_real;
	disk.read = read_and_count;
	disk.reads_beside = false;
	start_on(&disk);
	cr_assert_eq(drafts_at_last_read, 1);
	queue = opened("q");
	cr_assert_eq(drain_numbered(queue, 0, 500), 300);
	rlq_queue_close(queue);
}

static atomic_bool is_stopped;

static int64_t read_and_stop(int fd, void *ret_bytes, size_t count, uint64_t offset)
{
	is_stopped = is_stopped || tmpdir_count(queues, ".restore-") > 0;
	return os_disk_real.read(fd, ret_bytes, count, offset);
}

Test(journaling, recovery_that_is_stopped_leaves_nothing, .description = "amid the messages")
{
	struct rlq_queue *queue = made("q", RLQ_SYNC);
	struct os_disk disk = os_disk_real;
	struct journaling_options options = {
		.data = data, .disk = &disk, .file_bytes = SMALL_FILE, .say = say, .is_stopped = &is_stopped};

	for (unsigned i = 0; i < 30; i++)
		send_numbered(queue, i * 10, 10, 500);
	rlq_queue_close(queue);
	stop();
	tmpdir_empty(queues);
	disk.read = read_and_stop;
	disk.reads_beside = false;
	cr_assert_eq(rlq_directory_open(queues, &directory), 0);
	cr_assert_eq(journaling_start(&directory->seg, &options, &journaling), -ECANCELED);
	cr_assert_eq(tmpdir_count(queues, ".restore-"), 0);
	rlq_directory_close(directory);
	start();
	queue = opened("q");
	cr_assert_eq(drain_numbered(queue, 0, 500), 300);
	rlq_queue_close(queue);
}

/* ---- a turn that fails ------------------------------------------------------------------------- */

static atomic_int failing; /* 1: the next write fails; 2: it has */
static atomic_uint_least64_t window_then;
static struct rlq_queue *loose;

/* Of the turn that is written now: number and KiB. */
static int64_t write_or_fail(int fd, const void *bytes, size_t count, uint64_t offset)
{
	uint64_t begun = load_seq(&directory->seg.engine->turn_begun);

	if (failing == 1) {
		failing = 2;
		return -EIO;
	}
	if (failing == 2 && window_then == 0)
		window_then = load_seq(&loose->seg->header->window[begun % 2]);
	return os_disk_real.write_durably(fd, bytes, count, offset);
}

Test(journaling, what_a_failed_turn_should_have_written_stays_in_the_window)
{
	enum { MESSAGES = 10, KIB = 1 << 10 }; /* a piece of the window, before the turn begins */
	struct os_disk disk = os_disk_real;
	struct journaling_options options = {.data = data, .disk = &disk, .file_bytes = SMALL_FILE, .say = say};

	stop();
	disk.queue = NULL;
	disk.write_durably = write_or_fail;
	cr_assert_eq(rlq_directory_open(queues, &directory), 0);
	cr_assert_eq(journaling_start(&directory->seg, &options, &journaling), 0);
	loose = made("loose", RLQ_ASYNC);
	failing = 1;
	send_numbered(loose, 0, MESSAGES, KIB);
	cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	cr_expect_eq(failing, 2);
	cr_expect_geq(window_then & 0xffffff, 1);
	cr_expect_eq(window_then >> 24, load_seq(&directory->seg.engine->turn_begun));
	rlq_queue_close(loose);
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
Test(journaling, no_turn_has_more_moves_than_there_is_room_for)
{
	enum { ROUNDS = 8, BYTES = 8000, FILE = 4 << 20, MOST = MOVES_BYTES * 3 / 2 };
	struct os_disk disk = os_disk_real;
	struct journaling_options options = {.data = data, .disk = &disk, .file_bytes = FILE, .say = say};
	struct rlq_receive_options at_once = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;
	static char body[BYTES];
	struct rlq_queue *queue, *dlq;
	struct rlq_message messages[64];
	uint64_t moved;

	stop();
	disk.queue = NULL;
	cr_assert_eq(rlq_directory_open(queues, &directory), 0);
	cr_assert_eq(journaling_start(&directory->seg, &options, &journaling), 0);
	dlq = made("dlq", RLQ_SYNC);
	queue = made_with_dlq("q", "dlq");
	at_once.visibility_ms = 0;
	at_once.wait_ms = 0;
	for (int i = 0; i < ROUNDS * 64; i++)
		cr_assert_eq(rlq_send(queue, body, BYTES, NULL, NULL), 0);
	for (int i = 0; i < ROUNDS; i++)
		cr_assert_eq(rlq_receive(queue, messages, 64, &at_once), 64);
	rlq_queue_close(queue);
	rlq_queue_close(dlq);
	stop();
	disk.write = disk.write_durably = write_and_count;
	cr_assert_eq(rlq_directory_open(queues, &directory), 0);
	cr_assert_eq(journaling_start(&directory->seg, &options, &journaling), 0);
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

/* ---- space ------------------------------------------------------------------------------------ */

Test(journaling, one_message_kept_does_not_pin_the_files)
{
	struct rlq_queue *kept = made("kept", RLQ_SYNC), *busy = made("busy", RLQ_SYNC);
	int most = 0;

	send_numbered(kept, 7, 1, 500);
	for (unsigned round = 0; round < 40; round++) {
		send_numbered(busy, round * 100, 100, 500);
		cr_assert_eq(drain_numbered(busy, round * 100, 500), 100);
		if (journal_files() > most)
			most = journal_files();
	}
	cr_assert_leq(most, 10, "%d files of 64 KiB for one message and 50 KB of others", most);
	rlq_queue_close(kept);
	rlq_queue_close(busy);
	reboot();
	kept = opened("kept");
	cr_assert_eq(drain_numbered(kept, 7, 500), 1);
	rlq_queue_close(kept);
	reboot();
	kept = opened("kept");
	cr_assert_eq(drain_numbered(kept, 7, 500), 0);
	rlq_queue_close(kept);
}

Test(journaling, what_is_compacted_keeps_its_receive_count)
{
	struct rlq_queue *kept = made("kept", RLQ_SYNC), *busy = made("busy", RLQ_SYNC);
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message;

	options.visibility_ms = 0;
	send_numbered(kept, 7, 1, 500);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(rlq_receive(kept, &message, 1, &options), 1);
	for (unsigned round = 0; round < 20; round++) {
		send_numbered(busy, round * 100, 100, 500);
		cr_assert_eq(drain_numbered(busy, round * 100, 500), 100);
	}
	rlq_queue_close(kept);
	rlq_queue_close(busy);
	reboot();
	kept = opened("kept");
	cr_assert_eq(rlq_receive(kept, &message, 1, NULL), 1);
	cr_assert_eq(message.receive_count, 4);
	rlq_queue_close(kept);
}

Test(journaling, a_removed_queue_gives_its_files_back)
{
	struct rlq_queue *removed = made("removed", RLQ_SYNC), *busy;
	int most = 0;

	send_numbered(removed, 0, 100, 500);
	rlq_queue_close(removed);
	cr_assert_eq(rlq_queue_remove(directory, "removed"), 0);
	busy = made("busy", RLQ_SYNC);
	for (unsigned round = 0; round < 40; round++) {
		send_numbered(busy, round * 100, 100, 500);
		cr_assert_eq(drain_numbered(busy, round * 100, 500), 100);
		if (journal_files() > most)
			most = journal_files();
	}
	cr_assert_leq(most, 10, "%d files of 64 KiB for 50 KB", most);
	rlq_queue_close(busy);
}

/* ---- a queue that the journal cannot open ------------------------------------------------------ */

static void queue_file(const char *name, char ret_path[TMPDIR_BYTES + 64])
{
	snprintf(ret_path, TMPDIR_BYTES + 64, "%s/%s.rlq", queues, name);
}

/* Flips a bit of its first byte: damaged, and then sound again. */
static void spoil(const char *name)
{
	char path[TMPDIR_BYTES + 64];
	unsigned char byte;
	int fd;

	queue_file(name, path);
	fd = open(path, O_RDWR);
	cr_assert_eq(pread(fd, &byte, 1, 0), 1);
	byte ^= 1;
	cr_assert_eq(pwrite(fd, &byte, 1, 0), 1);
	close(fd);
}

static void keep_busy(unsigned rounds)
{
	struct rlq_queue *busy = made("busy", RLQ_SYNC);

	for (unsigned round = 0; round < rounds; round++) {
		send_numbered(busy, round * 100, 100, 500);
		cr_assert_eq(drain_numbered(busy, round * 100, 500), 100);
		cr_assert_leq(journal_files(), 10, "%d files", journal_files());
	}
	rlq_queue_close(busy);
}

/* Twenty messages in a queue that cannot be opened. */
static void start_without(const char *name)
{
	struct rlq_queue *queue = made(name, RLQ_SYNC);

	send_numbered(queue, 100, 20, 500);
	rlq_queue_close(queue);
	stop();
	spoil(name);
	start();
}

static void expect_twenty(const char *name)
{
	struct rlq_queue *queue = opened(name);

	cr_expect_eq(drain_numbered(queue, 100, 500), 20);
	send_numbered(queue, 7, 1, 500);
	rlq_queue_close(queue);
	reboot();
	queue = opened(name);
	cr_expect_eq(drain_numbered(queue, 7, 500), 1);
	rlq_queue_close(queue);
}

Test(journaling, a_queue_that_is_damaged_keeps_none_of_the_others, .description = "and none of its files")
{
	start_without("q");
	keep_busy(40);
	reboot();
	expect_twenty("q");
}

Test(journaling, a_queue_that_can_be_opened_again_is_back)
{
	start_without("q");
	keep_busy(40);
	spoil("q");
	cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	expect_twenty("q");
}

Test(journaling, a_damaged_queue_whose_file_is_deleted_is_made_anew)
{
	char path[TMPDIR_BYTES + 64];

	start_without("q");
	keep_busy(20);
	queue_file("q", path);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	expect_twenty("q");
}

Test(journaling, another_queue_in_its_place_is_not_taken_for_it)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	char path[TMPDIR_BYTES + 64];

	start_without("q");
	stop();
	queue_file("q", path);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(rlq_directory_open(queues, &directory), 0);
	cr_assert_eq(rlq_queue_create(directory, "q", &attributes), 1);
	rlq_directory_close(directory);
	start();
	keep_busy(20);
	cr_assert_eq(rlq_queue_remove(directory, "q"), 0);
	cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	expect_twenty("q");
}

Test(journaling, who_has_it_open_hears_that_it_is_not_journaled)
{
	struct rlq_directory *own;
	struct rlq_queue *queue;
	struct rlq_message message;

	cr_assert_eq(rlq_directory_open(queues, &own), 0);
	rlq_queue_close(made("q", RLQ_SYNC));
	cr_assert_eq(rlq_queue_open(own, "q", &queue), 0);
	start_without("p");
	cr_assert_eq(rlq_send(queue, "x", 1, NULL, NULL), 0);
	stop();
	spoil("q");
	start();
	cr_expect_eq(rlq_send(queue, "y", 1, NULL, NULL), RLQ_EENGINE);
	cr_expect_eq(rlq_receive(queue, &message, 1, NULL), 1);
	cr_expect_eq(rlq_delete(queue, &message.receipt), RLQ_EUNKNOWN);
	spoil("q");
	cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	cr_expect_eq(rlq_send(queue, "z", 1, NULL, NULL), 0);
	rlq_queue_close(queue);
	rlq_directory_close(own);
	reboot();
	queue = opened("q");
	cr_expect_eq(rlq_receive(queue, &message, 1, NULL), 1);
	cr_expect_eq(*(const char *)message.body, 'z');
	cr_expect_eq(rlq_receive(queue, &message, 1, NULL), 0);
	rlq_queue_close(queue);
}

Test(journaling, a_queue_that_only_the_journal_before_had_is_not_taken_for_its_own,
     .description = "of two in one process")
{
	struct journaling_options options = {.data = data, .file_bytes = SMALL_FILE, .say = say};
	struct rlq_queue *queue = made("q", RLQ_SYNC);

	cr_assert_eq(rlq_send(queue, "x", 1, NULL, NULL), 0);
	journaling_stop(journaling);
	spoil("q");
	cr_assert_eq(journaling_start(&directory->seg, &options, &journaling), 0);
	cr_expect_eq(rlq_send(queue, "y", 1, NULL, NULL), RLQ_EENGINE);
	spoil("q");
	cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	cr_expect_eq(rlq_send(queue, "z", 1, NULL, NULL), 0);
	rlq_queue_close(queue);
}

/* It can be opened, but its list of rings is damaged. */
Test(journaling, a_queue_removed_while_it_is_set_aside_stays_away)
{
	struct rlq_queue *queue = made("q", RLQ_SYNC);

	send_numbered(queue, 0, 20, 500);
	journaling_stop(journaling);
	store_seq(&queue->seg->header->rings, rings_make(0, 0, 0));
	rlq_queue_close(queue);
	rlq_directory_close(directory);
	start();
	cr_expect_eq(rlq_queue_remove(directory, "q"), 0);
	queue = made("q", RLQ_SYNC);
	rlq_queue_close(queue);
	reboot();
	queue = opened("q");
	cr_expect_eq(drain_numbered(queue, 0, 500), 0);
	rlq_queue_close(queue);
}

/* A message has moved to its DLQ, and the engine ended before it could write so. */
static void move_unseen(void)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_receive_options at_once = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_queue *dlq = made("dlq", RLQ_SYNC), *queue;
	struct seg_engine_page *page = directory->seg.engine;
	const uint64_t key = load_seq(&page->journal_key);
	struct rlq_message message;

	attributes.durability = RLQ_SYNC;
	attributes.receives_max = 1;
	strcpy(attributes.dlq, "dlq");
	cr_assert_eq(rlq_queue_create(directory, "q", &attributes), 1);
	queue = opened("q");
	send_numbered(queue, 7, 1, 500);
	at_once.visibility_ms = 0;
	at_once.wait_ms = 0;
	cr_assert_eq(rlq_receive(queue, &message, 1, &at_once), 1);
	journaling_stop(journaling);
	store_seq(&page->journal_key, key);
	cr_assert_eq(rlq_receive(queue, &message, 1, &at_once), 0);
	store_seq(&page->journal_key, 0);
	at_once.visibility_ms = 60000;
	cr_assert_eq(rlq_receive(dlq, &message, 1, &at_once), 1);
	cr_assert_eq(rlq_release(dlq, &message.receipt, 0), 0);
	rlq_queue_close(dlq);
	rlq_queue_close(queue);
	rlq_directory_close(directory);
}

static void expect_one(const char *name, unsigned in_it)
{
	struct rlq_queue *queue = opened(name);
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;

	cr_assert_eq(rlq_queue_stat(queue, &stat), 0);
	cr_expect_eq(stat.visible, in_it, "%s has %llu", name, (unsigned long long)stat.visible);
	rlq_queue_close(queue);
}

Test(journaling, what_moved_from_a_queue_that_is_set_aside_is_in_one)
{
	move_unseen();
	spoil("q");
	start();
	cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	reboot();
	expect_one("q", 1);
	expect_one("dlq", 0);
}

Test(journaling, what_moved_to_a_queue_that_is_set_aside_is_in_one)
{
	move_unseen();
	spoil("dlq");
	start();
	keep_busy(20);
	reboot();
	expect_one("q", 1);
	expect_one("dlq", 0);
}

Test(journaling, what_moved_to_a_queue_that_was_set_aside_is_in_one)
{
	move_unseen();
	spoil("dlq");
	start();
	keep_busy(20);
	spoil("dlq");
	cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	reboot();
	expect_one("q", 0);
	expect_one("dlq", 1);
}

Test(journaling, what_a_dead_engine_had_not_read_yet_is_freed_by_the_next,
     .description = "while it gathered, it was kept for it")
{
	struct rlq_queue *queue = made("q", RLQ_ASYNC);
	struct seg_engine_page *page = directory->seg.engine;
	struct rlq_message message;
	struct slot *slot;

	send_numbered(queue, 7, 1, 500);
	only_place(queue, &slot);
	cr_assert_eq(rlq_receive(queue, &message, 1, NULL), 1);
	journaling_stop(journaling);
	seg_turn_begin(page);
	rlq_delete(queue, &message.receipt);
	cr_assert_eq(word_state(slot_read(slot)), SLOT_HELD);
	seg_enter(queue->seg);
	message_free_held(queue->seg, 0, 0);
	seg_leave(queue->seg);
	cr_assert_eq(word_state(slot_read(slot)), SLOT_HELD);
	rlq_queue_close(queue);
	rlq_directory_close(directory);
	start();
	queue = opened("q");
	cr_assert_eq(rlq_receive(queue, &message, 1, NULL), 0);
	cr_assert_eq(word_state(slot_read(&queue->seg->ring[0].slots[0])), SLOT_FREE);
	rlq_queue_close(queue);
	reboot();
	queue = opened("q");
	cr_assert_eq(rlq_receive(queue, &message, 1, NULL), 0);
	rlq_queue_close(queue);
}

Test(journaling, a_move_waits_for_the_journal_of_its_target)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *dlq = made("dlq", RLQ_SYNC), *queue;
	struct rlq_message message;

	attributes.receives_max = 1;
	strcpy(attributes.dlq, "dlq");
	cr_assert_eq(rlq_queue_create(directory, "q", &attributes), 1);
	queue = opened("q");
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
	start();
	queue = opened("q");
	dlq = opened("dlq");
	os_clock_read(&queue->seg->clock);
	while (seg_sweep_step(queue->seg, &queue->sweep, UINT32_MAX))
		;
	cr_assert_eq(rlq_receive(dlq, &message, 1, &options), 1);
	rlq_queue_close(dlq);
	rlq_queue_close(queue);
}

static struct os_sysops real;
static pthread_t client;

/* No memory for anybody but the test. */
static void *mmap_for_one(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	if (pthread_equal(pthread_self(), client))
		return real.mmap(address, bytes, protection, flags, fd, offset);
	errno = ENOMEM;
	return MAP_FAILED;
}

Test(journaling, what_is_not_journaled_is_not_acknowledged)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;

	attributes.durability = RLQ_SYNC;
	client = pthread_self();
	real = os_sys;
	os_sys.mmap = mmap_for_one;
	cr_expect_eq(rlq_queue_create(directory, "q", &attributes), RLQ_EENGINE);
	cr_expect_eq(rlq_queue_open(directory, "q", &queue), RLQ_ENOQUEUE, "nothing half-done");
	os_sys = real;
	queue = made("q", RLQ_SYNC);
	store_seq(&queue->seg->header->journaled_by, 1); /* by another, before */
	cr_expect_eq(rlq_send(queue, "x", 1, NULL, NULL), RLQ_EENGINE);
	rlq_queue_close(queue);
}
