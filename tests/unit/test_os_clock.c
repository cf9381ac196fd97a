#include "kmod-free/clock.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static uint64_t kernel_ms(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Tests run outside time namespaces, or in one that os_boot_ms() takes off: then only the difference
 * to the kernel's clock is known, which is one number. */
static uint64_t namespace_ms(void)
{
	uint64_t before = os_boot_ms(), kernel = kernel_ms(CLOCK_BOOTTIME);

	return kernel - before < UINT64_C(1) << 62 ? kernel - before : 0;
}

Test(os_clock, is_never_ahead_of_the_kernel_and_less_than_its_slack_behind)
{
	uint64_t offset_ms = namespace_ms() > OS_CLOCK_SLACK_MS ? namespace_ms() : 0;
	struct os_clock clock;

	os_clock_start(&clock);
	for (int i = 0; i < 200000; i++) {
		/* What the clock says lies between two readings of the kernel, but for its slack. */
		uint64_t before = kernel_ms(CLOCK_BOOTTIME) - offset_ms, after;

		os_clock_read(&clock);
		after = kernel_ms(CLOCK_BOOTTIME) - offset_ms;
		cr_assert(clock.boot_ms <= after, "%lu after %lu", clock.boot_ms, after);
		cr_assert(clock.boot_ms + OS_CLOCK_SLACK_MS > before, "%lu at %lu", clock.boot_ms, before);
	}
}

Test(os_clock, never_goes_back)
{
	struct os_clock clock;
	uint64_t last;

	os_clock_start(&clock);
	last = clock.boot_ms;
	for (int i = 0; i < 200000; i++) {
		os_clock_read(&clock);
		cr_assert(clock.boot_ms >= last);
		last = clock.boot_ms;
	}
}

Test(os_clock, serves_from_the_counter_where_that_is_steady)
{
	struct os_clock clock;
	int cached = 0;

	os_clock_start(&clock);
	if (clock.ticks_max == 0)
		cr_skip_test("no invariant counter here");
	for (int i = 0; i < 100000; i++) {
		uint64_t ticks = clock.ticks;

		os_clock_read(&clock);
		cached += clock.ticks == ticks;
	}
	/* Were each call a reading, none would be cached. */
	cr_assert(cached > 1000, "%d", cached);
}

Test(os_clock, asks_the_kernel_each_time_where_the_counter_cannot_be_trusted)
{
	struct os_clock clock;

	os_clock_start(&clock);
	clock.ticks_max = 0;
	for (int i = 0; i < 100; i++) {
		clock.boot_ms = 0;
		os_clock_read(&clock);
		cr_assert(clock.boot_ms > 0);
	}
}

Test(os_clock, asks_the_kernel_when_the_counter_has_gone_back)
{
	struct os_clock clock;

	os_clock_start(&clock);
	clock.ticks = os_ticks() + (UINT64_C(1) << 40);
	clock.boot_ms = 0;
	os_clock_read(&clock);
	cr_assert(clock.boot_ms > 0);
}

Test(os_clock, gives_wall_time_too)
{
	uint64_t before = kernel_ms(CLOCK_REALTIME);
	struct os_clock clock;

	os_clock_start(&clock);
	cr_assert(clock.wall_ms >= before);
	cr_assert(clock.wall_ms <= kernel_ms(CLOCK_REALTIME));
}

Test(os_clock, reads_the_two_words_of_a_test_when_faked)
{
	struct os_clock_words words = {.boot_ms = 5000, .wall_ms = 1700000000000};
	struct os_clock clock;

	os_clock_start(&clock);
	os_clock_fake(&words);
	os_clock_read(&clock);
	cr_assert_eq(clock.boot_ms, 5000);
	cr_assert_eq(clock.wall_ms, 1700000000000);
	words.boot_ms += 1;
	os_clock_read(&clock);
	cr_assert_eq(clock.boot_ms, 5001, "no cache stands between");
	cr_assert_eq(os_boot_ms(), 5001);
	cr_assert_eq(os_boot_us(), 5001000);
	os_clock_fake(NULL);
	os_clock_refresh(&clock);
	cr_assert_neq(clock.boot_ms, 5001);
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return done;
}

enum { AGREES, DISAGREES, NOT_ALLOWED };

/* In a child: moves on into a time namespace a day ahead and compares the clock there with the one
 * that was read before. */
static int compare_from_namespace(void)
{
	struct os_clock here, there;
	int status;

	os_clock_start(&here);
	if (unshare(CLONE_NEWTIME) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWTIME) != 0)
		return NOT_ALLOWED;
	if (!write_file("/proc/self/timens_offsets", "boottime 86400 500000000"))
		return NOT_ALLOWED;
	os_clock_refresh(&here); /* still outside: only children go in */
	if (fork() == 0) {
		os_clock_start(&there);
		/* Less than an hour apart whatever the scheduler did in between. */
		_exit(there.boot_ms >= here.boot_ms && there.boot_ms - here.boot_ms < 3600 * 1000 &&
				      kernel_ms(CLOCK_BOOTTIME) > there.boot_ms + 80000 * 1000
			      ? AGREES
			      : DISAGREES);
	}
	wait(&status);
	return WEXITSTATUS(status);
}

Test(os_clock, is_one_clock_across_time_namespaces)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(compare_from_namespace());
	cr_assert_eq(waitpid(child, &status, 0), child);
	if (WEXITSTATUS(status) == NOT_ALLOWED)
		cr_skip_test("no time namespace to be had");
	cr_assert_eq(status, 0);
}
