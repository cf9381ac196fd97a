/* A key in the kernel's key rings that cannot be read: the engine does not start, says why, and leaves the journal
 * as it is; with the key there again it goes on. The daemon itself, in a session of its own. */
#include "ringlease.h"
#include "tests/support/cases.h"
#include "tests/support/child.h"
#include "tests/support/tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "ringlease-test"
#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

enum {
	PATH_BYTES = 4096,
	LOG_BYTES = 8192,
	OWNER_MAY_ALL = 0x003f0000,
	OWNER_MAY_SEE = 0x00210000 /* and change that */
};

static char daemon_path[PATH_BYTES], queues[TMPDIR_BYTES], data[TMPDIR_BYTES], log_path[PATH_BYTES],
	said[LOG_BYTES];
static long key;

/* ---- the key ---------------------------------------------------------------------------------- */

static long keyctl(int operation, long a, long b)
{
	return syscall(SYS_keyctl, operation, a, b, 0, 0);
}

static void add_key(const char *text)
{
	key = syscall(SYS_add_key, "user", NAME, text, strlen(text), KEY_SPEC_SESSION_KEYRING);
	CHECK(key > 0);
}

/* ---- the daemon ------------------------------------------------------------------------------- */

static void run_daemon(void *context)
{
	int fd = open(log_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	(void)context;
	dup2(fd, STDERR_FILENO);
	execl(daemon_path, "ringleased", "--dir", queues, "--data", data, "--key", "keyring:" NAME, (char *)NULL);
	_exit(127);
}

static const char *read_log(void)
{
	FILE *file = fopen(log_path, "r");
	size_t count = file ? fread(said, 1, sizeof(said) - 1, file) : 0;

	said[count] = '\0';
	if (file)
		fclose(file);
	return said;
}

/* It makes a queue durable, in a file that has the key's id. */
static void serves(void)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	pid_t pid = child_start(run_daemon, NULL);
	struct rlq_directory *directory;
	int status;

	attributes.durability = RLQ_SYNC;
	CHECK_EQ(rlq_directory_open(queues, &directory), 0);
	while (rlq_queue_create(directory, "q", &attributes) == RLQ_EENGINE) {
		if (child_has_changed(pid, &status))
			case_fail(__FILE__, __LINE__, "the daemon ends: %s; it says: %s", child_status_text(status),
				  read_log());
		sched_yield();
	}
	rlq_directory_close(directory);
	child_signal(pid, SIGTERM);
	CHECK(child_exited(child_wait(pid), 0));
}

/* Of all files of the folder. */
static uint64_t sum_of_data(void)
{
	char command[PATH_BYTES + 64], line[64] = "";
	FILE *pipe;

	snprintf(command, sizeof(command), "(cd %s && ls -l --time-style=full-iso && cat journal-*) | cksum", data);
	pipe = popen(command, "r");
	CHECK(pipe && fgets(line, sizeof(line), pipe));
	pclose(pipe);
	return strtoull(line, NULL, 10);
}

static void is_refused(const char *why)
{
	uint64_t before = sum_of_data();
	int status = child_wait(child_start(run_daemon, NULL));

	if (!child_exited(status, 1) || !strstr(read_log(), "key keyring:" NAME ": ") || !strstr(said, why))
		case_fail(__FILE__, __LINE__, "%s, wanted: %s; it says: %s", child_status_text(status), why, said);
	CHECK(sum_of_data() == before);
}

/* ---- cases ------------------------------------------------------------------------------------ */

static void set_up(void)
{
	if (keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0) < 0)
		case_skip("no key rings here");
	if (access(daemon_path, X_OK) < 0)
		case_skip("no ringleased");
	tmpdir_make(queues);
	tmpdir_make_on_disk(data);
	snprintf(log_path, sizeof(log_path), "%s/log", queues);
	add_key(KEY);
	serves();
}

static void tear_down(void)
{
	tmpdir_remove(queues);
	tmpdir_remove(data);
}

static void goes_on(void)
{
	add_key(KEY);
	serves();
	tear_down();
}

CASE(a_key_that_was_revoked_is_refused)
{
	set_up();
	CHECK(keyctl(KEYCTL_REVOKE, key, 0) == 0);
	is_refused("revoked");
	goes_on();
}

CASE(a_key_that_was_made_invalid_is_refused)
{
	set_up();
	CHECK(keyctl(KEYCTL_INVALIDATE, key, 0) == 0);
	is_refused("no such key");
	goes_on();
}

CASE(a_key_that_may_not_be_read_is_refused)
{
	set_up();
	CHECK(keyctl(KEYCTL_SETPERM, key, OWNER_MAY_SEE) == 0);
	is_refused("may not be read");
	CHECK(keyctl(KEYCTL_SETPERM, key, OWNER_MAY_ALL) == 0);
	goes_on();
}

CASE(a_key_that_is_missing_is_refused)
{
	set_up();
	CHECK(keyctl(KEYCTL_UNLINK, key, KEY_SPEC_SESSION_KEYRING) == 0);
	is_refused("no such key");
	goes_on();
}

CASE(a_text_that_is_no_key_is_refused)
{
	set_up();
	add_key("not a key");
	is_refused("64 hexadecimal digits");
	goes_on();
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');

	snprintf(daemon_path, sizeof(daemon_path), "%.*s/../../ringleased", slash ? (int)(slash - argv[0]) : 1,
		 slash ? argv[0] : ".");
	return cases_run(argc, argv);
}
