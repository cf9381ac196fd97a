#include "tests/support/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t child_start(void (*run)(void *context), void *context)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(1);
	}
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	run(context);
	fflush(NULL);
	_exit(0);
}

static int wait_for(pid_t pid, int flags)
{
	int status;
	pid_t got;

	do
		got = waitpid(pid, &status, flags);
	while (got < 0 && errno == EINTR);
	if (got < 0) {
		perror("waitpid");
		exit(1);
	}
	return status;
}

int child_wait(pid_t pid)
{
	return wait_for(pid, 0);
}

bool child_wait_stopped(pid_t pid, int *ret_status)
{
	*ret_status = wait_for(pid, WUNTRACED);
	return WIFSTOPPED(*ret_status);
}

bool child_has_changed(pid_t pid, int *ret_status)
{
	return waitpid(pid, ret_status, WNOHANG | WUNTRACED) == pid;
}

void child_signal(pid_t pid, int number)
{
	if (pid > 0)
		kill(pid, number);
}

const char *child_status_text(int status)
{
	static char text[80];

	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else if (WIFSTOPPED(status))
		snprintf(text, sizeof(text), "stopped");
	else
		snprintf(text, sizeof(text), "exit %d", WEXITSTATUS(status));
	return text;
}

static const char *volatile watched_call;

/* Then dies of it. */
static void say_stuck(int number)
{
	const char *call = watched_call;

	if (call && write(STDOUT_FILENO, "STUCK: ", 7) == 7 && write(STDOUT_FILENO, call, strlen(call)) > 0 &&
	    write(STDOUT_FILENO, "\n", 1) == 1)
		watched_call = NULL;
	raise(number);
}

void watchdog(unsigned seconds)
{
	const struct sigaction action = {.sa_handler = say_stuck, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
	const char *instead = getenv("TEST_WATCHDOG_S");

	sigaction(SIGALRM, &action, NULL);
	alarm(instead ? (unsigned)atoi(instead) : seconds);
}

void watchdog_names(const char *call)
{
	watched_call = call;
}
