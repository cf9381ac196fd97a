#include "stop.h"

#include <signal.h>
#include <time.h>

/* A signal that comes just after the flag was looked at and just before the wait begins would be
 * slept through. So the first one starts a timer whose signals repeat until the process ends; while
 * nobody wants to stop, nothing ticks. */
enum { REPEAT_NS = 20 * 1000 * 1000 };

static volatile sig_atomic_t wanted;
static timer_t repeat_timer;
static bool has_timer;

static void handle_stop(int signal_number)
{
	const struct itimerspec repeat = {.it_interval.tv_nsec = REPEAT_NS, .it_value.tv_nsec = REPEAT_NS};

	if (wanted) {
		signal(signal_number, SIG_DFL);
		raise(signal_number);
		return;
	}
	wanted = 1;
	if (has_timer)
		timer_settime(repeat_timer, 0, &repeat, NULL);
}

static void handle_repeat(int signal_number)
{
	(void)signal_number;
}

void stop_catch(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	struct sigaction action = {.sa_handler = handle_repeat, .sa_flags = SA_RESTART};

	sigemptyset(&action.sa_mask);
	sigaction(SIGALRM, &action, NULL);
	has_timer = !timer_create(CLOCK_MONOTONIC, &event, &repeat_timer);
	action.sa_handler = handle_stop;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool stop_wanted(void)
{
	return wanted;
}
