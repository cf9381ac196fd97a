/* Two disks as one: what is on either when one of them fails, and who is told first. */
#include "kmod-free/disk_pair.h"

#include "daemon/journal.h"
#include "daemon/replay.h"
#include "tests/support/second_disk.h"
#include "tests/support/shadow_queue.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

enum { BYTES = 4096, PATIENCE_S = 10 };

static struct os_disk first, second;
static struct disk_pair *pair;
static const struct os_disk *disk;
static int folder;
static int told, told_side, told_error, telling_fails;
static unsigned char page[BYTES] __attribute__((aligned(OS_DISK_PAGE)));

static int lost(void *context, int side, int error)
{
	(void)context;
	told++;
	told_side = side;
	told_error = error;
	return telling_fails > 0 ? telling_fails--, -EIO : 0;
}

static void open_pair(bool has_queue)
{
	const struct disk_pair_side sides[] = {{&first, SHADOW_FOLDER}, {&second, SHADOW_FOLDER}};

	shadow_queue_draw(1);
	first = shadow_disk;
	first.write_durably = shadow_write_durably;
	second = second_disk;
	second.write_durably = second_write_durably;
	first.queue = second.queue = has_queue ? shadow_disk_queued.queue : NULL;
	told = telling_fails = 0;
	cr_assert_eq(disk_pair_open(sides, lost, NULL, &pair), 0);
	disk = disk_pair_disk(pair);
	folder = disk_pair_folder(pair);
}

static void close_pair(void)
{
	disk->close(folder);
	disk_pair_close(pair);
}

static void set_up(void)
{
	shadow_begin();
	second_begin();
	memset(page, 7, sizeof(page));
	open_pair(false);
}

static void tear_down(void)
{
	close_pair();
	shadow_end();
	second_end();
}

TestSuite(disk_pair, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- what a journal does to its files --------------------------------------------------------- */

/* 0 or the first error. */
static int make_file(const char *name)
{
	int fd = disk->create(folder, "new", OS_DISK_WRITE | OS_DISK_DIRECT), error;

	if (fd < 0)
		return fd;
	error = os_disk_allocate(disk, fd, 0, 3 * BYTES);
	if (!error)
		error = os_disk_write(disk, fd, page, BYTES, 0);
	if (!error)
		error = os_disk_flush(disk, fd);
	disk->close(fd);
	if (!error)
		error = disk->rename(folder, "new", name);
	fd = error ? error : disk->open(folder, name, OS_DISK_WRITE | OS_DISK_DIRECT);
	if (fd < 0)
		return fd;
	error = disk->flush_folder(folder);
	if (!error)
		error = os_disk_write_durably(disk, fd, page, BYTES, BYTES);
	disk->close(fd);
	return error;
}

static void expect_file(unsigned char *bytes, size_t count)
{
	cr_assert_not_null(bytes);
	cr_assert_eq(count, 3 * BYTES);
	cr_assert_eq(memcmp(bytes, page, BYTES), 0);
	cr_assert_eq(memcmp(bytes + BYTES, page, BYTES), 0);
}

static void expect_on(int side, const char *name)
{
	size_t count = 0;
	unsigned char *bytes = side == 0 ? shadow_bytes(name, &count) : second_bytes(name, &count);

	expect_file(bytes, count);
}

static void lose_power(void)
{
	uint64_t random = 1;

	close_pair();
	shadow_restart(SHADOW_LOSE_ALL, &random);
	second_restart(SHADOW_LOSE_ALL, &random);
	open_pair(false);
}

Test(disk_pair, what_is_durable_is_so_on_both)
{
	cr_assert_eq(make_file("file"), 0);
	lose_power();
	expect_on(0, "file");
	expect_on(1, "file");
	cr_assert_eq(told, 0);
	cr_assert_eq(disk->unlink(folder, "file"), 0);
	cr_assert_null(shadow_bytes("file", NULL));
	cr_assert_null(second_bytes("file", NULL));
	cr_assert_eq(disk->unlink(folder, "file"), -ENOENT);
	cr_assert_eq(told, 0);
}

static void fail_on(int side, int n, int error, bool for_good)
{
	(side == 0 ? shadow_fail : second_fail)(SHADOW_ANY, n, error, for_good);
}

static bool has_failed_on(int side)
{
	return side == 0 ? shadow_has_failed() : second_has_failed();
}

static void fail_at(int side, int n, bool for_good, bool *ret_has_failed)
{
	shadow_begin();
	second_begin();
	open_pair(false);
	fail_on(side, n, -EIO, for_good);
	cr_assert_eq(make_file("file"), 0, "side %d, call %d", side, n);
	*ret_has_failed = has_failed_on(side);
	cr_assert_eq(told, *ret_has_failed);
	if (*ret_has_failed) {
		cr_assert_eq(told_side, side);
		cr_assert_eq(told_error, -EIO);
		cr_assert(disk_pair_is_lost(pair, side));
	}
	cr_assert(!disk_pair_is_lost(pair, 1 - side));
	fail_on(side, 0, 0, false);
	lose_power();
	expect_on(1 - side, "file");
}

Test(disk_pair, a_side_that_fails_at_any_call_is_lost_and_the_other_goes_on)
{
	int calls = 0;

	for (int side = 0; side < 2; side++)
		for (int for_good = 0; for_good < 2; for_good++) {
			bool has_failed = true;

			for (int n = 1; has_failed; n++, calls++) {
				close_pair();
				fail_at(side, n, for_good, &has_failed);
			}
		}
	cr_assert_geq(calls, 4 * 9, "every call of make_file()");
}

Test(disk_pair, nothing_succeeds_before_the_other_side_is_told)
{
	cr_assert_eq(make_file("a"), 0);
	second_fail(SHADOW_FLUSH_FOLDER, 1, -EIO, false);
	telling_fails = 2;
	cr_assert_eq(disk->flush_folder(folder), -EIO);
	cr_assert_eq(disk->flush_folder(folder), -EIO, "and it is asked again");
	cr_assert_eq(disk->flush_folder(folder), 0);
	cr_assert_eq(told, 3);
	cr_assert_eq(disk->flush_folder(folder), 0);
	cr_assert_eq(told, 3);
}

Test(disk_pair, the_last_side_is_never_lost)
{
	second_fail(SHADOW_CREATE, 1, -EIO, false);
	cr_assert_eq(make_file("a"), 0);
	shadow_fail(SHADOW_FLUSH, 1, -EIO, false);
	cr_assert_eq(make_file("b"), -EIO);
	cr_assert(!disk_pair_is_lost(pair, 0));
	cr_assert_eq(disk->unlink(folder, "new"), 0);
	cr_assert_eq(make_file("b"), 0);
}

Test(disk_pair, both_failing_loses_none)
{
	shadow_fail(SHADOW_FLUSH, 1, -EIO, false);
	second_fail(SHADOW_FLUSH, 1, -EIO, false);
	cr_assert_eq(make_file("a"), -EIO);
	cr_assert_eq(told, 0);
	cr_assert_eq(disk->unlink(folder, "new"), 0);
	cr_assert_eq(make_file("a"), 0);
	expect_on(1, "a");
}

Test(disk_pair, a_full_disk_is_full_and_not_lost)
{
	const unsigned kinds[] = {SHADOW_CREATE, SHADOW_ALLOCATE, SHADOW_WRITE};

	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
			(side == 0 ? shadow_fail : second_fail)(kinds[i], 1, -ENOSPC, false);
			cr_assert_eq(make_file("a"), -ENOSPC);
			cr_assert_eq(told, 0);
			if (kinds[i] == SHADOW_CREATE) {
				cr_assert_null(shadow_bytes("new", NULL));
				cr_assert_null(second_bytes("new", NULL));
			} else {
				cr_assert_eq(disk->unlink(folder, "new"), 0);
			}
		}
	cr_assert_eq(make_file("a"), 0);
	expect_on(0, "a");
	expect_on(1, "a");
}

Test(disk_pair, past_the_page_cache_only_if_both_can)
{
	second_refuse_direct(true);
	cr_assert_eq(disk->create(folder, "a", OS_DISK_WRITE | OS_DISK_DIRECT), -EINVAL);
	cr_assert_eq(disk->unlink(folder, "a"), 0);
	cr_assert_null(shadow_bytes("a", NULL));
	cr_assert_null(second_bytes("a", NULL));
	cr_assert_eq(told, 0);
}

Test(disk_pair, short_and_interrupted_calls_are_made_up_for)
{
	shadow_at_most(1000);
	second_at_most(700);
	cr_assert_eq(make_file("a"), 0);
	cr_assert_eq(told, 0);
	expect_on(0, "a");
	expect_on(1, "a");
}

/* ---- both at once ----------------------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static int inside;
static bool have_met;

/* Answers once the other disk's call is under way too. */
static int64_t meet(int64_t answer)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&mutex);
	if (++inside == 2) {
		have_met = true;
		pthread_cond_broadcast(&moved);
	}
	while (!have_met && pthread_cond_timedwait(&moved, &mutex, &until) == 0)
		;
	pthread_mutex_unlock(&mutex);
	return answer;
}

static int64_t write_and_meet(int fd, const void *bytes, size_t count, uint64_t offset)
{
	return meet(shadow_disk.write(fd, bytes, count, offset));
}

static int64_t second_write_and_meet(int fd, const void *bytes, size_t count, uint64_t offset)
{
	return meet(second_disk.write(fd, bytes, count, offset));
}

Test(disk_pair, both_write_at_once)
{
	int fd = disk->create(folder, "a", OS_DISK_WRITE);

	first.write = write_and_meet;
	second.write = second_write_and_meet;
	cr_assert_eq(os_disk_write(disk, fd, page, BYTES, 0), 0);
	cr_assert(have_met, "one was over before the other began");
	disk->close(fd);
}

static int submits;
static struct os_queue_calls counting;

static int count_submit(struct os_queue *queue)
{
	submits++;
	return shadow_disk_queued.queue->submit(queue);
}

static int wait_when_both_are_submitted(struct os_queue *queue, uint64_t *ret_tag, int64_t *ret_answer)
{
	cr_assert_geq(submits, 2, "waited for one side before the other began");
	return shadow_disk_queued.queue->wait(queue, ret_tag, ret_answer);
}

Test(disk_pair, a_queue_begins_on_both_before_it_waits_for_one)
{
	struct os_queue *queue;
	uint64_t tag;
	int64_t answer;
	int fd;

	close_pair();
	open_pair(true);
	counting = *shadow_disk_queued.queue;
	counting.submit = count_submit;
	counting.wait = wait_when_both_are_submitted;
	first.queue = second.queue = &counting;
	fd = disk->create(folder, "a", OS_DISK_WRITE);
	cr_assert_eq(disk->queue->open(disk, 4, &queue), 0);
	disk->queue->set_file(queue, fd);
	disk->queue->write(queue, 77, page, BYTES, 0, true);
	cr_assert_eq(disk->queue->wait(queue, &tag, &answer), 0);
	cr_assert_eq(tag, 77);
	cr_assert_eq(answer, BYTES);
	disk->queue->close(queue);
	disk->close(fd);
}

/* ---- a journal -------------------------------------------------------------------------------- */

static int write_turn(struct journal *journal, uint64_t number, size_t bytes)
{
	const struct format_message message = {.number = number, .queue = 1, .body_bytes = (uint32_t)bytes};
	unsigned char *room = journal_reserve(journal, format_message_bytes(bytes, 0));

	if (room == NULL)
		return journal_error(journal);
	memset(format_message_put(room, &message)->payload, (int)number, bytes);
	return journal_end_turn(journal);
}

static uint64_t highest;

static int take_number(void *context, const struct replay_place *place, const struct format_record *record)
{
	(void)context;
	(void)place;
	highest = record->kind == FORMAT_MESSAGE ? ((const struct format_message *)(const void *)record)->number
						 : highest;
	return 0;
}

static uint64_t turns_on(const struct os_disk *of)
{
	const struct replay_calls calls = {.record = take_number};
	struct replay_report report;

	highest = 0;
	cr_assert_eq(replay(of, SHADOW_FOLDER, &calls, &report), 0);
	cr_assert_eq(report.damage_count, 0);
	return highest;
}

/* A journal on both, one of which fails at its n-th call, then no power: all turns that were acknowledged are on
 * the other one, and on that too if it was not lost. */
static bool fail_under_journal(bool has_queue, int side, int n, bool for_good)
{
	const struct journal_options options = {
		.file_bytes = FORMAT_FILE_BYTES_MIN, .frame_bytes = 8192, .is_direct = true};
	struct journal *journal;
	uint64_t done = 0, random = 1;
	bool has_failed, was_lost;

	shadow_begin();
	second_begin();
	open_pair(has_queue);
	cr_assert_eq(journal_open(disk, folder, &options, &journal), 0);
	fail_on(side, n, -EIO, for_good);
	for (uint64_t i = 1; i <= 30; i++) {
		cr_assert_eq(write_turn(journal, i, i % 3 ? 3000 : 20000), 0, "side %d, call %d, turn %d", side, n,
			     (int)i);
		done = i;
		if (i % 7 == 0)
			journal_drop_oldest(journal);
	}
	cr_assert_eq(journal_close(journal), 0);
	has_failed = has_failed_on(side);
	was_lost = disk_pair_is_lost(pair, side);
	cr_assert_eq(told, was_lost);
	close_pair();
	shadow_restart(SHADOW_LOSE_ALL, &random);
	second_restart(SHADOW_LOSE_ALL, &random);
	cr_assert_eq(turns_on(side == 0 ? &second_disk : &shadow_disk), done);
	if (!was_lost)
		cr_assert_eq(turns_on(side == 0 ? &shadow_disk : &second_disk), done);
	open_pair(has_queue);
	return has_failed;
}

static void fail_everywhere(bool has_queue)
{
	int n = 1;

	for (int side = 0; side < 2; side++)
		for (int for_good = 0; for_good < 2; for_good++) {
			close_pair();
			for (n = 1; fail_under_journal(has_queue, side, n, for_good); n++)
				close_pair();
		}
	cr_assert_gt(n, 50, "%d calls", n);
}

Test(disk_pair, a_journal_goes_on_when_one_side_fails_at_any_call)
{
	fail_everywhere(false);
}

Test(disk_pair, a_journal_goes_on_when_one_side_of_a_queue_fails_at_any_call)
{
	fail_everywhere(true);
}
