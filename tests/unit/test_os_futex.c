#include "kmod-free/clock.h"
#include "kmod-free/futex.h"
#include "kmod-free/sysops.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static _Atomic uint32_t *shared_word(void)
{
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	cr_assert(memory != MAP_FAILED);
	return memory;
}

Test(os_futex, does_not_sleep_on_a_word_that_differs)
{
	_Atomic uint32_t word = 7;

	cr_assert_eq(os_futex_wait(&word, 8, UINT64_MAX), -EAGAIN);
}

Test(os_futex, gives_up_at_once_when_the_end_has_passed)
{
	_Atomic uint32_t word = 7;

	cr_assert_eq(os_futex_wait(&word, 7, os_boot_ms()), -ETIMEDOUT);
	cr_assert_eq(os_futex_wait(&word, 7, 0), -ETIMEDOUT);
}

Test(os_futex, says_that_the_word_differs_even_after_the_end)
{
	_Atomic uint32_t word = 7;

	cr_assert_eq(os_futex_wait(&word, 8, 0), -EAGAIN);
}

Test(os_futex, sleeps_until_its_end)
{
	_Atomic uint32_t word = 7;
	uint64_t until = os_boot_ms() + 20;
	int result;

	while ((result = os_futex_wait(&word, 7, until)) != -ETIMEDOUT)
		cr_assert(result == 0 || result == -EINTR);
	cr_assert(os_boot_ms() >= until);
}

Test(os_futex, takes_an_end_in_the_far_future_for_none)
{
	_Atomic uint32_t word = 7;

	cr_assert_eq(os_futex_wait(&word, 8, UINT64_MAX - 1), -EAGAIN);
	cr_assert_eq(os_futex_wait(&word, 8, UINT64_MAX / 1000), -EAGAIN);
}

Test(os_futex, wakes_a_sleeper_in_another_process, .timeout = 60)
{
	_Atomic uint32_t *word = shared_word();
	pid_t child = fork();
	int status;

	if (child == 0) {
		while (atomic_load(word) == 0) {
			int result = os_futex_wait(word, 0, UINT64_MAX);

			if (result != 0 && result != -EAGAIN)
				_exit(1);
		}
		_exit(0);
	}
	atomic_store(word, 1);
	while (waitpid(child, &status, WNOHANG) == 0) {
		os_futex_wake(word, 1);
		sched_yield();
	}
	cr_assert_eq(status, 0);
}

Test(os_futex, says_how_many_it_woke)
{
	_Atomic uint32_t word = 0;

	cr_assert_eq(os_futex_wake(&word, 100), 0);
}

static void on_signal(int number)
{
	(void)number;
}

/* The timer repeats, so the signal cannot come too early for good. */
static long seen_restarts;

static long wait_interrupted(const _Atomic uint32_t *word, int operation, uint32_t value,
			     const struct timespec *timeout, uint32_t bits)
{
	(void)word, (void)operation, (void)value, (void)timeout, (void)bits;
	seen_restarts++;
	errno = EINTR;
	return -1;
}

Test(os_futex, tells_of_a_signal)
{
	long (*real)(const _Atomic uint32_t *, int, uint32_t, const struct timespec *, uint32_t) = os_sys.futex;
	_Atomic uint32_t word = 0;

	os_sys.futex = wait_interrupted;
	cr_assert_eq(os_futex_wait(&word, 0, UINT64_MAX), -EINTR);
	cr_assert_eq(seen_restarts, 1, "the caller decides whether to go on");
	os_sys.futex = real;
}

Test(os_futex, is_interrupted_by_a_handler, .timeout = 60)
{
	_Atomic uint32_t *word = shared_word();
	struct sigaction action = {.sa_handler = on_signal};
	pid_t child = fork();
	int status;

	if (child == 0) {
		sigaction(SIGUSR1, &action, NULL);
		atomic_store(word, 1);
		_exit(os_futex_wait(word, 1, UINT64_MAX) == -EINTR ? 0 : 1);
	}
	while (atomic_load(word) == 0)
		sched_yield();
	while (waitpid(child, &status, WNOHANG) == 0) {
		kill(child, SIGUSR1);
		sched_yield();
	}
	cr_assert_eq(status, 0);
}

Test(os_futex, waits_in_slices_on_a_faked_clock, .timeout = 60)
{
	struct os_clock_words words = {.boot_ms = 1000};
	_Atomic uint32_t word = 7;

	os_clock_fake(&words);
	cr_assert_eq(os_futex_wait(&word, 7, 2000), 0, "a slice of real time has gone by");
	cr_assert_eq(os_futex_wait(&word, 7, UINT64_MAX), 0);
	cr_assert_eq(os_futex_wait(&word, 8, 2000), -EAGAIN);
	words.boot_ms = 2000;
	cr_assert_eq(os_futex_wait(&word, 7, 2000), -ETIMEDOUT);
	os_clock_fake(NULL);
}

/* ---- many words ------------------------------------------------------------------------------- */

static int refused_with;
static long refusals;

static long refuse_many(const void *words, uint32_t count, uint32_t flags, const struct timespec *end,
			clockid_t clock)
{
	(void)words, (void)count, (void)flags, (void)end, (void)clock;
	refusals++;
	errno = refused_with;
	return -1;
}

static int wait_many(const _Atomic uint32_t *first, const _Atomic uint32_t *second, uint64_t until_ms)
{
	struct os_futex_awaited words[2] = {os_futex_await(first, 1), os_futex_await(second, 2)};

	return os_futex_wait_many(words, 2, until_ms);
}

static void many_words(void)
{
	_Atomic uint32_t first = 1, second = 2;
	uint64_t until = os_boot_ms() + 20;
	int result;

	cr_expect_eq(wait_many(&first, &second, os_boot_ms()), -ETIMEDOUT);
	cr_expect_eq(wait_many(&first, &second, 0), -ETIMEDOUT);
	while ((result = wait_many(&first, &second, until)) != -ETIMEDOUT)
		cr_assert(result == 0 || result == -EINTR);
	cr_expect(os_boot_ms() >= until);
	first = 7;
	cr_expect_eq(wait_many(&first, &second, UINT64_MAX), -EAGAIN);
}

Test(os_futex, waits_on_many_words, .timeout = 60)
{
	_Atomic uint32_t first = 1, second = 7;

	many_words();
	if (os_sys.futex_waitv(NULL, 0, 0, NULL, CLOCK_MONOTONIC) < 0 && errno != EINVAL)
		cr_skip_test("the kernel cannot");
	cr_expect_eq(wait_many(&first, &second, UINT64_MAX), -EAGAIN);
}

static void woken_by(int index)
{
	_Atomic uint32_t *words = shared_word();
	pid_t child;
	int status;

	words[0] = 1;
	words[1] = 2;
	child = fork();
	if (child == 0) {
		while (atomic_load(&words[index]) < 3) {
			int result = wait_many(&words[0], &words[1], UINT64_MAX);

			if (result != 0 && result != -EAGAIN)
				_exit(1);
		}
		_exit(0);
	}
	atomic_store(&words[index], 3);
	while (waitpid(child, &status, WNOHANG) == 0) {
		os_futex_wake(&words[index], 1);
		sched_yield();
	}
	cr_assert_eq(status, 0);
}

Test(os_futex, is_woken_by_any_of_many_words, .timeout = 60)
{
	woken_by(0);
	woken_by(1);
}

static void without_waitv(int error)
{
	refused_with = error;
	os_sys.futex_waitv = refuse_many;
	many_words();
	woken_by(0);
	woken_by(1);
	cr_expect(refusals > 0);
}

Test(os_futex, waits_on_many_words_where_the_kernel_cannot, .timeout = 60)
{
	without_waitv(ENOSYS);
}

Test(os_futex, waits_on_many_words_where_a_filter_forbids_it, .timeout = 60)
{
	without_waitv(EPERM);
}

Test(os_futex, waits_on_many_words_when_memory_is_short, .timeout = 60)
{
	without_waitv(ENOMEM);
}

Test(os_futex, tells_of_a_signal_in_a_wait_on_many_words)
{
	_Atomic uint32_t first = 1, second = 2;

	refused_with = EINTR;
	os_sys.futex_waitv = refuse_many;
	cr_assert_eq(wait_many(&first, &second, UINT64_MAX), -EINTR);
	cr_assert_eq(refusals, 1);
}

Test(os_futex, waits_on_many_words_in_slices_on_a_faked_clock, .timeout = 60)
{
	struct os_clock_words now = {.boot_ms = 1000};
	_Atomic uint32_t first = 1, second = 2;

	os_clock_fake(&now);
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(wait_many(&first, &second, 2000), 0);
		cr_expect_eq(wait_many(&first, &second, UINT64_MAX), 0);
		refused_with = ENOSYS;
		os_sys.futex_waitv = refuse_many; /* and once more */
	}
	now.boot_ms = 2000;
	cr_expect_eq(wait_many(&first, &second, 2000), -ETIMEDOUT);
	os_clock_fake(NULL);
}
