/* The hosted engine: when its start is over. Under a clock that only the test moves. */
#include "gateway/engine_host.h"
#include "tests/support/queue_fixture.h"
#include "tests/support/tmpdir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

static char data[TMPDIR_BYTES];
static sigset_t stops;
static struct engine_host *host;

static void set_up(void)
{
	queues_begin();
	tmpdir_make(data);
	sigemptyset(&stops);
	sigaddset(&stops, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &stops, NULL);
}

static void tear_down(void)
{
	engine_host_close(host);
	tmpdir_remove(data);
	queues_end();
}

TestSuite(engine_host, .init = set_up, .fini = tear_down, .timeout = 60);

Test(engine_host, serves_once_it_is_open)
{
	cr_assert_eq(engine_host_open(queues_path(), data, &stops, &host), 0);
	cr_expect(rlq_directory_has_engine(queues_directory()));
}

Test(engine_host, says_why_it_does_not_serve)
{
	char file[TMPDIR_BYTES + 8];
	FILE *made;

	snprintf(file, sizeof(file), "%s/file", data);
	made = fopen(file, "w");
	cr_assert_not_null(made);
	fclose(made);
	cr_expect_eq(engine_host_open(queues_path(), file, &stops, &host), -ENOTDIR);
	cr_expect_not(rlq_directory_has_engine(queues_directory()));
}

Test(engine_host, a_signal_ends_its_start)
{
	int number;

	raise(SIGUSR1);
	cr_expect_eq(engine_host_open(queues_path(), data, &stops, &host), -EINTR);
	cr_expect_not(rlq_directory_has_engine(queues_directory()));
	cr_expect_eq(sigwait(&stops, &number), 0, "it is still to be taken");
	cr_assert_eq(engine_host_open(queues_path(), data, &stops, &host), 0);
}
