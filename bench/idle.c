/* What an idle engine with 100 queues takes of a core. */
#include "bench/pair.h"
#include "bench/queue.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { QUEUES = 100, SETTLE_S = 3, WATCH_S = 20 };

/* Seconds of CPU time that a process has used, to the nanosecond. */
static double cpu_seconds(int pid)
{
	struct timespec used = {0};
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) == 0)
		clock_gettime(clock, &used);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct place place;
	double before, share, start;
	char name[16];

	bench_start(argc, argv);
	report_title("an idle engine");
	place_open(&place, true);
	for (int i = 0; i < QUEUES; i++) {
		struct opened opened;

		snprintf(name, sizeof(name), "idle-%d", i);
		place_queue(&place, name, capacity_of(10), 30000);
		opened = queue_open(NULL, &place, name);
		queue_fill(NULL, opened.queue, 10, 0);
		queue_close(&opened);
	}
	sleep(bench_options.quick ? 0 : SETTLE_S);
	start = seconds_now();
	before = cpu_seconds(place.engine_pid);
	sleep(bench_options.quick ? 1 : WATCH_S);
	share = 100 * (cpu_seconds(place.engine_pid) - before) / (seconds_now() - start);
	place_close(&place);
	figure_report("engine with 100 queues, 10 messages each, idle", share, "% core", "0.1 %", share < 0.1);
	return share < 0.1 || bench_options.quick ? 0 : 1;
}
