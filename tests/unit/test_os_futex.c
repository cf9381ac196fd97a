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
