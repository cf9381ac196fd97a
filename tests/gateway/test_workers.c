/* Threads that may wait: each request is worked on, whatever can be had for it. */
#include "gateway/exchange.h"
#include "gateway/handles.h"
#include "gateway/workers.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>

static struct workers *workers;
static atomic_int without_handles, with_handles; /* worked on so far */

/* The linker hands these calls to the test (--wrap). */
static atomic_bool has_no_memory;

struct handles *__wrap_handles_open(struct rlq_directory *directory, uint32_t count_max);
struct handles *__real_handles_open(struct rlq_directory *directory, uint32_t count_max);

struct handles *__wrap_handles_open(struct rlq_directory *directory, uint32_t count_max)
{
	return has_no_memory ? NULL : __real_handles_open(directory, count_max);
}

static void work(struct handles *handles, struct exchange *exchange)
{
	(void)exchange;
	atomic_fetch_add(handles ? &with_handles : &without_handles, 1);
}

static void await(const atomic_int *count, int wanted)
{
	while (*count < wanted)
		sched_yield();
}

static void set_up(void)
{
	queues_begin();
	workers = workers_open(queues_directory(), 1, work);
	cr_assert_not_null(workers);
}

static void tear_down(void)
{
	workers_close(workers);
	queues_end();
}

TestSuite(workers, .init = set_up, .fini = tear_down, .timeout = 60);

Test(workers, all_that_is_added_is_worked_on_before_they_end)
{
	static struct exchange exchanges[100];

	for (int i = 0; i < 100; i++)
		cr_assert_eq(workers_add(workers, &exchanges[i]), 0);
	workers_close(workers);
	workers = NULL;
	cr_expect_eq(with_handles, 100);
}

Test(workers, what_is_added_after_they_have_ended_is_refused)
{
	static struct exchange first, late;

	cr_assert_eq(workers_add(workers, &first), 0);
	workers_stop(workers);
	cr_expect_eq(with_handles, 1);
	cr_expect_eq(workers_add(workers, &late), -ESHUTDOWN);
}

Test(workers, a_thread_without_memory_for_handles_goes_on)
{
	static struct exchange first, second;

	has_no_memory = true;
	cr_assert_eq(workers_add(workers, &first), 0);
	await(&without_handles, 1);
	has_no_memory = false;
	cr_assert_eq(workers_add(workers, &second), 0);
	await(&with_handles, 1);
}
