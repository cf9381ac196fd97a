/* Submissions to io_uring that the kernel refuses for now, or interrupts, at the n-th call: once nobody notices,
 * and if it never ends the journal goes on by plain calls. Two functions of liburing are replaced by ours. */
#include "daemon/journal.h"
#include "daemon/replay.h"
#include "kmod-free/disk.h"
#include "tests/support/tmpdir.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TURNS = 6, RECORDS = 600, FRAME_BYTES = 4096, CALLS_LEAST = 10, SIGNALS = 3 * OS_DISK_TRIES };

static const struct os_disk *disk = &os_disk_real;
static char path[TMPDIR_BYTES];
static int folder = -1;

/* ---- faults ----------------------------------------------------------------------------------- */

static int fails_in, fails_with; /* the n-th call from here on; 0: none */
static bool for_good, has_failed;
static unsigned calls;
static int signals; /* so many waits are interrupted */

/* Of those that have something to submit. */
static int fault(struct io_uring *ring)
{
	if (io_uring_sq_ready(ring) == 0)
		return 0;
	calls++;
	if (fails_in == 0)
		return 0;
	if (fails_in > 1) {
		fails_in--;
		return 0;
	}
	fails_in = for_good;
	has_failed = true;
	return fails_with;
}

int io_uring_submit(struct io_uring *ring)
{
	static int (*real)(struct io_uring *);
	int error = fault(ring);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "io_uring_submit");
	return error ? error : real(ring);
}

int io_uring_submit_and_wait(struct io_uring *ring, unsigned count)
{
	static int (*real)(struct io_uring *, unsigned);
	int error = fault(ring);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "io_uring_submit_and_wait");
	if (!error && signals > 0 && io_uring_sq_ready(ring) == 0) {
		signals--;
		return -EINTR;
	}
	return error ? error : real(ring, count);
}

static void fail(int n, int error, bool is_for_good)
{
	fails_in = n;
	fails_with = error;
	for_good = is_for_good;
	has_failed = false;
	calls = 0;
}

/* ---- a journal -------------------------------------------------------------------------------- */

static void setup(void)
{
	tmpdir_make_on_disk(path);
	folder = disk->open_folder(path);
	cr_assert_geq(folder, 0);
}

static void teardown(void)
{
	fail(0, 0, false);
	disk->close(folder);
	tmpdir_remove(path);
}

TestSuite(uring, .init = setup, .fini = teardown, .timeout = 60);

/* A message and no failure where io_uring is refused. */
static bool is_refused(void)
{
	struct os_queue *queue;
	int error = disk->queue->open(disk, 1, &queue);

	if (error)
		fprintf(stderr, "skipped: io_uring is refused here: %s\n", strerror(-error));
	else
		disk->queue->close(queue);
	return error != 0;
}

static struct journal *open_new(void)
{
	struct journal_options options = {
		.file_bytes = FORMAT_FILE_BYTES_MIN, .frame_bytes = FRAME_BYTES, .is_direct = true};
	struct journal *journal;

	tmpdir_empty(path);
	cr_assert_eq(journal_open(disk, folder, &options, &journal), 0);
	return journal;
}

static int write_turn(struct journal *journal, uint64_t turn)
{
	for (uint64_t i = 0; i < RECORDS; i++) {
		unsigned char *at = journal_reserve(journal, sizeof(struct format_update));

		if (at == NULL)
			return journal_error(journal);
		format_update_put(at, &(struct format_update){.number = 1 + turn * RECORDS + i});
	}
	return journal_end_turn(journal);
}

static int is_next(void *context, const struct replay_place *place, const struct format_record *record)
{
	uint64_t *next = context;

	(void)place;
	return ((const struct format_update *)(const void *)record)->number == ++*next ? 0 : -EBADMSG;
}

/* All turns, each once, in order. */
static void expect_all(void)
{
	struct replay_report report;
	uint64_t next = 0;
	const struct replay_calls replayed = {.record = is_next, .context = &next};

	cr_assert_eq(replay(disk, folder, &replayed, &report), 0);
	cr_expect_eq(next, TURNS * RECORDS);
	cr_expect_eq(report.damage_count, 0);
}

/* At each call, until there are no more: how many. */
static int at_each_call(int error, bool is_for_good, void (*play)(struct journal *journal))
{
	int n = 1;

	for (;; n++) {
		struct journal *journal = open_new();

		fail(n, error, is_for_good);
		play(journal);
		cr_expect_eq(journal_close(journal), 0);
		expect_all();
		if (!has_failed)
			return n - 1;
	}
}

static void no_turn_fails(struct journal *journal)
{
	uint64_t last = TURNS;

	for (uint64_t turn = 0; turn < TURNS; turn++) {
		cr_assert_eq(write_turn(journal, turn), 0);
		if (has_failed && last == TURNS) {
			last = turn;
			calls = 0;
		}
	}
	cr_expect(last >= TURNS - 1 || calls > 0, "the queue is still in use");
}

Test(uring, a_call_that_is_refused_once_is_made_again)
{
	static const int errors[] = {-EINTR, -EAGAIN, -EBUSY};

	for (int i = 0; i < 3 && !is_refused(); i++)
		cr_expect_geq(at_each_call(errors[i], false, no_turn_fails), CALLS_LEAST);
}

static void one_turn_fails(struct journal *journal)
{
	int failed = 0;

	for (uint64_t turn = 0; turn < TURNS; turn++) {
		int error = write_turn(journal, turn);

		if (!error)
			continue;
		cr_assert_eq(error, fails_with);
		failed++;
		journal_repair(journal);
		calls = 0;
		cr_assert_eq(write_turn(journal, turn), 0);
	}
	cr_expect_eq(failed, has_failed);
	cr_expect(failed == 0 || calls == 0, "plain calls since");
}

Test(uring, one_that_is_refused_for_good_fails_and_plain_calls_go_on)
{
	static const int errors[] = {-EINTR, -EAGAIN, -EBUSY, -ENXIO};

	for (int i = 0; i < 4 && !is_refused(); i++)
		cr_expect_geq(at_each_call(errors[i], true, one_turn_fails), CALLS_LEAST);
}

Test(uring, a_wait_may_be_interrupted_by_any_number_of_signals)
{
	struct journal *journal;

	if (is_refused())
		return;
	journal = open_new();
	for (uint64_t turn = 0; turn < TURNS; turn++) {
		signals = turn == 2 ? SIGNALS : 0;
		cr_assert_eq(write_turn(journal, turn), 0);
	}
	cr_expect_eq(journal_close(journal), 0);
	expect_all();
}
