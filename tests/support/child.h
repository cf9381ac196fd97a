/* Child processes of a test: start, stop, kill, await; and a watchdog for the test itself. */
#ifndef TEST_CHILD_H
#define TEST_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/* Forks a child that runs `run` and exits 0. It dies with its parent. */
pid_t child_start(void (*run)(void *context), void *context);

/* Waits until it ends; returns the wait status. */
int child_wait(pid_t pid);

/* Waits until it stops (true) or ends (false, with its status). */
bool child_wait_stopped(pid_t pid, int *ret_status);

/* Has it stopped or ended meanwhile? Does not wait. */
bool child_has_changed(pid_t pid, int *ret_status);

/* Sends a signal; nothing happens if the process is gone already. */
void child_signal(pid_t pid, int number);

static inline bool child_exited(int status, int code)
{
	return (status & 0x7f) == 0 && ((status >> 8) & 0xff) == code;
}

static inline bool child_was_killed(int status, int number)
{
	return (status & 0x7f) == number;
}

/* What became of it, for a person; static memory. */
const char *child_status_text(int status);

/* The calling process gets SIGALRM, and dies of it, unless it says so again within `seconds`; TEST_WATCHDOG_S in
 * the environment: within those instead. */
void watchdog(unsigned seconds);
/* The call that it is in from here on, static text, which the watchdog then names: "STUCK: send". NULL: none. */
void watchdog_names(const char *call);

#endif
