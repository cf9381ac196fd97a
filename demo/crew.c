/* The processes of the demonstration and the folder they share. Whatever happens to the demonstration,
 * its processes end with it: the kernel sends them a signal when their parent is gone. */
#include "demo/demo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FOLDER_PREFIX "ringlease-demo."

enum { ENGINE_WAIT_MS = 5000 };

static const char *base_folder(void)
{
	return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

static void remove_folder(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)) != NULL)
		unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
	rmdir(path);
}

static int lock_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* A demonstration that was killed could not tidy up: its folder is ours and nobody locks it. */
static void remove_left_over(void)
{
	char path[PATH_BYTES + 256];
	DIR *base = opendir(base_folder());
	const struct dirent *entry;

	while (base && (entry = readdir(base)) != NULL) {
		int fd;

		if (strncmp(entry->d_name, FOLDER_PREFIX, strlen(FOLDER_PREFIX)) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", base_folder(), entry->d_name);
		fd = lock_folder(path);
		if (fd < 0)
			continue;
		remove_folder(path);
		close(fd);
	}
	if (base)
		closedir(base);
}

/* ---- processes -------------------------------------------------------------------------------- */

/* In a child: end when the parent does, also if it did so before we could say that. */
static void end_with_parent(pid_t parent, int signal_number)
{
	setpgid(0, 0); /* Ctrl-C is for the parent, which tidies up */
	prctl(PR_SET_PDEATHSIG, signal_number);
	if (getppid() != parent)
		_exit(1);
}

static bool start_daemon(struct crew *crew, const char *program)
{
	pid_t parent = getpid();

	crew->daemon = fork();
	if (crew->daemon == 0) {
		end_with_parent(parent, SIGTERM);
		dup2(crew->log_fd, STDERR_FILENO);
		execl(program, program, "--dir", crew->directory, (char *)NULL);
		fprintf(stderr, "cannot run %s: %s\n", program, strerror(errno));
		_exit(1);
	}
	return crew->daemon > 0;
}

static void print_daemon_log(const struct crew *crew)
{
	char text[4096];
	ssize_t got = pread(crew->log_fd, text, sizeof(text), 0);

	if (got > 0)
		fprintf(stderr, "what the daemon said:\n%.*s", (int)got, text);
}

static bool await_engine(struct crew *crew)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	struct rlq_directory *directory;
	bool is_there = false;
	int error = rlq_directory_open(crew->directory, &directory);

	if (error) {
		fprintf(stderr, "cannot open %s: %s\n", crew->directory, rlq_strerror(error));
		return false;
	}
	for (int ms = 0; ms < ENGINE_WAIT_MS && !is_there; ms++) {
		nanosleep(&pause, NULL);
		is_there = rlq_directory_has_engine(directory);
	}
	rlq_directory_close(directory);
	if (!is_there) {
		fprintf(stderr, "the daemon does not serve %s\n", crew->directory);
		print_daemon_log(crew);
	}
	return is_there;
}

bool crew_begin(struct crew *crew, const char *program)
{
	*crew = (struct crew){.lock_fd = -1, .log_fd = -1};
	remove_left_over();
	snprintf(crew->directory, sizeof(crew->directory), "%s/" FOLDER_PREFIX "XXXXXX", base_folder());
	if (mkdtemp(crew->directory) == NULL) {
		fprintf(stderr, "cannot make %s: %s\n", crew->directory, strerror(errno));
		crew->directory[0] = '\0';
		return false;
	}
	crew->lock_fd = lock_folder(crew->directory);
	crew->log_fd = memfd_create("log", MFD_CLOEXEC);
	return start_daemon(crew, program) && await_engine(crew);
}

bool crew_start(struct crew *crew, const struct task *task, int (*work)(const struct task *task))
{
	pid_t parent = getpid(), child = fork();

	if (child == 0) {
		signal(SIGTERM, SIG_DFL);
		signal(SIGHUP, SIG_DFL);
		end_with_parent(parent, SIGKILL);
		_exit(work(task));
	}
	crew->worker[task->worker] = child > 0 ? child : 0;
	return child > 0;
}

void crew_kill(struct crew *crew, int worker)
{
	if (crew->worker[worker] <= 0)
		return;
	kill(crew->worker[worker], SIGKILL);
	waitpid(crew->worker[worker], NULL, 0);
	crew->worker[worker] = 0;
}

bool crew_lost_one(struct crew *crew)
{
	int status;
	pid_t gone = waitpid(-1, &status, WNOHANG);

	for (; gone > 0; gone = waitpid(-1, &status, WNOHANG)) {
		for (int i = 0; i < WORKERS; i++)
			if (crew->worker[i] == gone)
				crew->worker[i] = 0;
		if (gone == crew->daemon) {
			crew->daemon = 0;
			fprintf(stderr, "the daemon ended\n");
			print_daemon_log(crew);
			return true;
		}
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
			fprintf(stderr, "a worker ended with status 0x%x\n", (unsigned int)status);
			return true;
		}
	}
	return false;
}

bool crew_is_empty(const struct crew *crew)
{
	for (int i = 0; i < WORKERS; i++)
		if (crew->worker[i] > 0)
			return false;
	return true;
}

void crew_end(struct crew *crew)
{
	for (int i = 0; i < WORKERS; i++)
		crew_kill(crew, i);
	if (crew->daemon > 0) {
		kill(crew->daemon, SIGTERM);
		waitpid(crew->daemon, NULL, 0);
	}
	if (crew->directory[0])
		remove_folder(crew->directory);
	if (crew->lock_fd >= 0)
		close(crew->lock_fd);
	if (crew->log_fd >= 0)
		close(crew->log_fd);
}
