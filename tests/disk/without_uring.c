/* Runs the tests of durable queues where io_uring is refused, as containers do: the journal goes on by plain calls.
 * What runs with it otherwise is run here without. */
#include <errno.h>
#include <liburing.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

/* Below the folder of built tests, or of the source. */
static const char *const built[] = {"unit/test_os_disk", "unit/test_journaling", NULL};
static const char *const scripts[] = {"tests/cli/durable.sh", "tests/cli/mirror.sh", NULL};

/* Of this process and all that it starts. */
static int refuse(void)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {.len = sizeof(steps) / sizeof(*steps), .filter = steps};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
		return -errno;
	return 0;
}

static bool is_refused(void)
{
	struct io_uring ring;
	int error = io_uring_queue_init(1, &ring, 0);

	if (error == 0)
		io_uring_queue_exit(&ring);
	return error == -EPERM;
}

/* Its own summary would be taken for ours, so its output is shown only after a failure. */
static void show(FILE *output)
{
	char line[1024];

	rewind(output);
	while (fgets(line, sizeof(line), output))
		fputs(line, stdout);
}

static int run(const char *path)
{
	FILE *output = tmpfile();
	int status = -1;
	pid_t pid = output ? fork() : -1;

	if (pid == 0) {
		dup2(fileno(output), STDOUT_FILENO);
		dup2(fileno(output), STDERR_FILENO);
		execl(path, path, (char *)NULL);
		perror(path);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (status != 0 && output)
		show(output);
	if (output)
		fclose(output);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 127;
}

static int passed, failed, skipped;

static void count(const char *path)
{
	int status;

	if (access(path, X_OK) < 0) {
		printf("%s is not here\n", path);
		skipped++;
		return;
	}
	fflush(stdout);
	status = run(path);
	printf("%s: exit %d\n", path, status);
	passed += status == 0;
	skipped += status == 77;
	failed += status != 0 && status != 77;
}

int main(int argc, char **argv)
{
	char path[PATH_BYTES];
	const char *self = argc > 0 ? argv[0] : "";
	int error = refuse();

	if (error) {
		printf("skipped: no filter of system calls here: %s\n", strerror(-error));
		return 77;
	}
	if (!is_refused()) {
		printf("io_uring is not refused\n");
		return 1;
	}
	for (const char *const *name = built; *name; name++) {
		int folder = (int)(strrchr(self, '/') ? strrchr(self, '/') - self : 0);

		snprintf(path, sizeof(path), "%.*s/../%s", folder, self, *name);
		count(path);
	}
	for (const char *const *name = scripts; *name; name++)
		count(*name);
	printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return failed > 0;
}
