/* Watching queues: what is reported, and when. Under a clock that the test moves, unless it says otherwise; a watch
 * then looks every millisecond of real time. */
#include "client/watch.h"
#include "kmod-free/sysops.h"
#include "tests/support/cases.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <poll.h>

static struct rlq_watch *watch;
static struct rlq_queue *queue;
static int tag;

static void begin(void)
{
	queues_begin();
	queue = queue_make("q", NULL);
	cr_assert_eq(rlq_watch_open(queues_directory(), &watch), 0);
}

static void end(void)
{
	rlq_watch_close(watch);
	queues_end();
}

/* Waits for the next report, as long as the test may take. */
static struct rlq_watch_report next_report(void)
{
	struct pollfd readable = {.fd = rlq_watch_fd(watch), .events = POLLIN};
	struct rlq_watch_report report;

	cr_assert_eq(poll(&readable, 1, -1), 1);
	cr_assert_eq(rlq_watch_take(watch, &report, 1), 1);
	return report;
}

static bool is_readable(void)
{
	struct pollfd readable = {.fd = rlq_watch_fd(watch), .events = POLLIN};

	return poll(&readable, 1, 0) == 1;
}

TestSuite(watch, .timeout = 60);

Test(watch, reports_a_message)
{
	struct rlq_watch_report report;

	begin();
	cr_assert_eq(rlq_watch_arm(watch, "q", &tag), 0);
	cr_assert_not(is_readable());
	send_text(queue, "a");
	report = next_report();
	cr_assert_eq(report.context, &tag);
	cr_assert_str_eq(report.name, "q");
	cr_assert_not(report.removed);
	cr_assert_not(is_readable(), "all reports are taken");
	end();
}
