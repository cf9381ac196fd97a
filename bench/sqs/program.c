#include "bench/sqs/program.h"

#include "bench/sqs/http.h"
#include "bench/team.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 512, POLL_US = 10000, REST_US = 5000, REST_PATIENCE_S = 10 };

static void become(const char *const *argv, int output, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
		_exit(126);
	execv(argv[0], (char *const *)argv);
	dprintf(STDERR_FILENO, "%s: %m\n", argv[0]);
	_exit(127);
}

void program_start(struct program *program, const char *const *argv, const char *log)
{
	int ends[2] = {-1, -1};
	pid_t parent = getpid();

	if (log)
		ends[1] = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	else if (pipe2(ends, O_CLOEXEC) != 0)
		ends[1] = -1;
	if (ends[1] < 0)
		sqs_fail("%s: %m", log ? log : "pipe");
	fflush(NULL);
	*program = (struct program){.said = ends[0], .pid = fork()};
	if (program->pid == 0)
		become(argv, ends[1], parent);
	if (program->pid < 0)
		sqs_fail("fork: %m");
	close(ends[1]);
}

void program_end(struct program *program)
{
	if (program->pid > 0) {
		kill(program->pid, SIGTERM);
		waitpid(program->pid, NULL, 0);
	}
	if (program->said >= 0)
		close(program->said);
	*program = (struct program){.said = -1};
}

/* ---- ringlease-sqs -------------------------------------------------------------------------------- */

/* Read as it comes: how soon it is there is measured. */
static uint16_t port_said(const struct program *program)
{
	static const char mark[] = "listening on http://127.0.0.1:";
	char text[4096];
	size_t bytes = 0;

	while (bytes + 1 < sizeof(text)) {
		ssize_t got = read(program->said, text + bytes, sizeof(text) - 1 - bytes);
		const char *found;

		if (got <= 0)
			break;
		bytes += (size_t)got;
		text[bytes] = '\0';
		found = strstr(text, mark);
		if (found && strchr(found, '\n'))
			return (uint16_t)atoi(found + sizeof(mark) - 1);
	}
	sqs_fail("ringlease-sqs does not come up: %.*s", (int)bytes, text);
}

void endpoint_start(struct program *program, const char *directory)
{
	const char *const argv[] = {SQS_PROGRAM, "--dir",    directory,	    "--durability",
				    "memory",	 "--listen", "127.0.0.1:0", NULL};

	program_start(program, argv, NULL);
	program->port = port_said(program);
}

/* ---- others --------------------------------------------------------------------------------------- */

bool program_await(struct program *program, double patience_s)
{
	double end = seconds_now() + patience_s;
	struct http http;

	while (!http_try_open(&http, program->port)) {
		if (waitpid(program->pid, NULL, WNOHANG) != 0) {
			program->pid = 0;
			return false;
		}
		if (seconds_now() > end)
			return false;
		usleep(POLL_US);
	}
	http_close(&http);
	return true;
}

void program_bind(const struct program *program, int core)
{
	char path[64];
	struct dirent *thread;
	cpu_set_t cores;
	DIR *threads;

	CPU_ZERO(&cores);
	if (core >= 0)
		CPU_SET((size_t)core, &cores);
	else
		sched_getaffinity(0, sizeof(cores), &cores);
	snprintf(path, sizeof(path), "/proc/%d/task", program->pid);
	threads = opendir(path);
	while (threads && (thread = readdir(threads)) != NULL)
		if (atoi(thread->d_name) > 0 && sched_setaffinity(atoi(thread->d_name), sizeof(cores), &cores) != 0)
			sqs_fail("cannot bind a server to core %d: %m", core);
	if (threads)
		closedir(threads);
}

uint16_t port_free(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, bytes) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &bytes) != 0)
		sqs_fail("no port: %m");
	close(fd);
	return ntohs(address.sin_port);
}

double program_rss_mib(const struct program *program)
{
	char path[64], line[LINE_MAX_BYTES];
	double kib = 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", program->pid);
	status = fopen(path, "r");
	while (status && fgets(line, sizeof(line), status))
		sscanf(line, "VmRSS: %lf", &kib);
	if (status)
		fclose(status);
	return kib / 1024;
}

double program_cpu_seconds(const struct program *program)
{
	struct timespec used = {0};
	clockid_t clock;

	if (clock_getcpuclockid(program->pid, &clock) == 0)
		clock_gettime(clock, &used);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

void program_rest(const struct program *program)
{
	double end = seconds_now() + REST_PATIENCE_S, before, now = program_cpu_seconds(program);

	do {
		before = now;
		usleep(REST_US);
		now = program_cpu_seconds(program);
	} while (now - before > 1e-5 && seconds_now() < end);
}
