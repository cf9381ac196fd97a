/* Turns of the journal that fail, or that an engine did not end. */
#include "kmod-free/clock.h"
#include "shm/durable.h"
#include "shm/message.h"
#include "shm/window.h"
#include "tests/unit/journaling_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdatomic.h>

TestSuite(journaling_turns, .init = journaling_test_begin, .fini = journaling_test_end, .timeout = 120);

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

Test(journaling_turns, what_a_failed_turn_should_have_written_stays_in_the_window)
{
	enum { MESSAGES = 10, KIB = 1 << 10 }; /* a piece of the window, before the turn begins */
	struct os_disk disk = os_disk_real;

	stop_engine();
	disk.queue = NULL;
	disk.write_durably = write_or_fail;
	start_engine_on(&disk);
	loose = made("loose", RLQ_ASYNC);
	failing = 1;
	send_numbered(loose, 0, MESSAGES, KIB);
	cr_assert_eq(seg_wait_durable(&directory->seg), 0);
	cr_expect_eq(failing, 2);
	cr_expect_geq(window_then & 0xffffff, 1);
	cr_expect_eq(window_then >> 24, load_seq(&directory->seg.engine->turn_begun));
	rlq_queue_close(loose);
}

/* Tries often, since others may keep us from the processor: who sleeps does so each time. */
Test(journaling_turns, who_comes_after_a_failure_hears_at_once)
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

Test(journaling_turns, what_a_dead_engine_had_not_read_yet_is_freed_by_the_next,
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
	start_engine();
	queue = opened("q");
	cr_assert_eq(rlq_receive(queue, &message, 1, NULL), 0);
	cr_assert_eq(word_state(slot_read(&queue->seg->ring[0].slots[0])), SLOT_FREE);
	rlq_queue_close(queue);
	reboot_machine();
	queue = opened("q");
	cr_assert_eq(rlq_receive(queue, &message, 1, NULL), 0);
	rlq_queue_close(queue);
}
