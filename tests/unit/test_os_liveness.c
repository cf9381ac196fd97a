#include "kmod-free/liveness.h"
#include "kmod-free/memory.h"
#include "kmod-free/sysops.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[256];
static int directory_fd = -1;

static void setup(void)
{
	const char *base = getenv("RINGLEASE_DIR"); /* the runner's, removed afterwards */

	snprintf(directory, sizeof(directory), "%s/ringlease-unit.XXXXXX", base ? base : "/dev/shm");
	cr_assert(mkdtemp(directory) != NULL);
	directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert(directory_fd >= 0);
}

static void remove_file(void *context, uint64_t key)
{
	char name[32];

	(void)context;
	snprintf(name, sizeof(name), ".alive-%016" PRIx64, key);
	unlinkat(directory_fd, name, 0);
}

static void teardown(void)
{
	os_liveness_list(directory_fd, remove_file, NULL);
	close(directory_fd);
	cr_expect_eq(rmdir(directory), 0, "nothing else is left behind");
}

TestSuite(os_liveness, .init = setup, .fini = teardown, .timeout = 60);

struct child {
	pid_t pid;
	uint64_t key;
	int go; /* write end: closing it lets the child go on */
};

/* A child that has started its own liveness and waits. It then stops it, or not, and exits. */
static struct child child_start(bool stops)
{
	int tell[2], go[2];
	struct child child;

	cr_assert_eq(pipe(tell), 0);
	cr_assert_eq(pipe(go), 0);
	child.pid = fork();
	if (child.pid == 0) {
		struct os_liveness own;
		char byte;

		close(go[1]);
		if (os_liveness_start(directory_fd, &own) != 0)
			_exit(1);
		if (write(tell[1], &own.key, sizeof(own.key)) != sizeof(own.key))
			_exit(1);
		if (read(go[0], &byte, 1) == 0 && stops)
			os_liveness_stop(&own);
		_exit(0);
	}
	close(go[0]);
	close(tell[1]);
	cr_assert_eq(read(tell[0], &child.key, sizeof(child.key)), (ssize_t)sizeof(child.key));
	close(tell[0]);
	child.go = go[1];
	return child;
}

static void child_end(struct child *child)
{
	close(child->go);
	cr_assert_eq(waitpid(child->pid, NULL, 0), child->pid);
}

static int files;

static void count_file(void *context, uint64_t key)
{
	*(uint64_t *)context = key;
	files++;
}

static int file_count(uint64_t *ret_key)
{
	files = 0;
	cr_assert_eq(os_liveness_list(directory_fd, count_file, ret_key), 0);
	return files;
}

Test(os_liveness, a_process_is_alive_to_itself)
{
	struct os_liveness own;
	uint64_t listed = 0;

	cr_assert_eq(os_liveness_start(directory_fd, &own), 0);
	cr_assert_neq(own.key, 0);
	cr_assert_eq(os_liveness_ask(&own, own.key), OS_ALIVE);
	cr_assert(os_liveness_is_own(&own));
	cr_assert_eq(file_count(&listed), 1);
	cr_assert_eq(listed, own.key);
	os_liveness_stop(&own);
	cr_assert_eq(file_count(&listed), 0);
}

Test(os_liveness, asking_about_itself_does_not_drop_the_lock)
{
	struct os_liveness own, second;
	struct child child;

	cr_assert_eq(os_liveness_start(directory_fd, &own), 0);
	cr_assert_eq(os_liveness_start(directory_fd, &second), 0);
	for (int i = 0; i < 10; i++) {
		cr_assert_eq(os_liveness_ask(&own, own.key), OS_ALIVE);
		cr_assert_eq(os_liveness_ask(&own, second.key), OS_ALIVE);
		cr_assert_eq(os_liveness_ask(&second, own.key), OS_ALIVE);
	}
	os_liveness_forget(&own, second.key); /* refused: it is our own */
	/* Somebody else is the judge. */
	child.pid = fork();
	if (child.pid == 0)
		_exit(os_liveness_ask(&own, own.key) == OS_ALIVE && os_liveness_ask(&own, second.key) == OS_ALIVE
			      ? 0
			      : 1);
	int status;

	cr_assert_eq(waitpid(child.pid, &status, 0), child.pid);
	cr_assert_eq(status, 0);
	os_liveness_stop(&second);
	os_liveness_stop(&own);
}

Test(os_liveness, a_killed_process_is_dead)
{
	struct os_liveness own;
	struct child child = child_start(false);

	cr_assert_eq(os_liveness_start(directory_fd, &own), 0);
	cr_assert_eq(os_liveness_ask(&own, child.key), OS_ALIVE);
	kill(child.pid, SIGKILL);
	child_end(&child);
	cr_assert_eq(os_liveness_ask(&own, child.key), OS_DEAD);
	os_liveness_forget(&own, child.key);
	cr_assert_eq(os_liveness_ask(&own, child.key), OS_DEAD, "a missing file is dead too");
	os_liveness_stop(&own);
}

Test(os_liveness, asked_again_is_the_same)
{
	struct os_liveness own;
	struct child child = child_start(false), other = child_start(false);
	struct os_peer peer = {0};

	cr_assert_eq(os_liveness_start(directory_fd, &own), 0);
	cr_assert_eq(os_liveness_ask_again(&own, &peer, own.key), OS_ALIVE);
	cr_expect_eq(peer.key, 0, "no file of our own is opened");
	for (int i = 0; i < 2; i++)
		cr_assert_eq(os_liveness_ask_again(&own, &peer, child.key), OS_ALIVE);
	cr_expect_eq(peer.key, child.key);
	cr_expect_eq(os_liveness_ask_again(&own, &peer, other.key), OS_ALIVE);
	cr_expect_eq(os_liveness_ask_again(&own, &peer, child.key), OS_ALIVE);
	kill(child.pid, SIGKILL);
	child_end(&child);
	cr_expect_eq(os_liveness_ask_again(&own, &peer, child.key), OS_DEAD);
	cr_expect_eq(peer.key, 0);
	cr_expect_eq(os_liveness_ask_again(&own, &peer, other.key), OS_ALIVE);
	kill(other.pid, SIGKILL);
	child_end(&other);
	os_liveness_forget(&own, other.key);
	cr_expect_eq(os_liveness_ask_again(&own, &peer, other.key), OS_DEAD, "a missing file too");
	os_peer_drop(&peer);
	os_liveness_stop(&own);
}

Test(os_liveness, a_closed_descriptor_is_no_death)
{
	struct os_liveness own;
	struct child child = child_start(false);
	struct os_peer peer = {0};

	cr_assert_eq(os_liveness_start(directory_fd, &own), 0);
	cr_assert_eq(os_liveness_ask_again(&own, &peer, child.key), OS_ALIVE);
	close(peer.fd);
	cr_expect_eq(os_liveness_ask_again(&own, &peer, child.key), OS_ALIVE);
	os_peer_drop(&peer);
	kill(child.pid, SIGKILL);
	child_end(&child);
	os_liveness_stop(&own);
}

Test(os_liveness, a_stopped_process_is_alive)
{
	struct os_liveness own;
	struct child child = child_start(false);

	cr_assert_eq(os_liveness_start(directory_fd, &own), 0);
	kill(child.pid, SIGSTOP);
	cr_assert_eq(waitpid(child.pid, NULL, WUNTRACED), child.pid);
	cr_assert_eq(os_liveness_ask(&own, child.key), OS_ALIVE);
	kill(child.pid, SIGCONT);
	child_end(&child);
	cr_assert_eq(os_liveness_ask(&own, child.key), OS_DEAD);
	os_liveness_stop(&own);
}

Test(os_liveness, a_process_that_stopped_leaves_no_file)
{
	struct os_liveness own;
	struct child child = child_start(true);
	uint64_t listed;

	cr_assert_eq(os_liveness_start(directory_fd, &own), 0);
	cr_assert_eq(file_count(&listed), 2);
	child_end(&child);
	cr_assert_eq(file_count(&listed), 1);
	cr_assert_eq(os_liveness_ask(&own, child.key), OS_DEAD);
	os_liveness_stop(&own);
}

Test(os_liveness, a_fork_does_not_keep_its_parent_alive)
{
	struct os_liveness own;
	int tell[2], go[2];
	uint64_t key;
	pid_t parent, grandchild;
	char byte;

	cr_assert_eq(os_liveness_start(directory_fd, &own), 0);
	cr_assert_eq(pipe(tell), 0);
	cr_assert_eq(pipe(go), 0);
	parent = fork();
	if (parent == 0) {
		struct os_liveness mine;

		if (os_liveness_start(directory_fd, &mine) != 0)
			_exit(1);
		grandchild = fork();
		if (grandchild == 0) {
			/* Holds all of its parent's descriptors, and lives on. */
			close(go[1]);
			_exit(read(go[0], &byte, 1) == 0 ? 0 : 1);
		}
		if (write(tell[1], &mine.key, sizeof(mine.key)) < 0)
			_exit(1);
		_exit(0);
	}
	cr_assert_eq(read(tell[0], &key, sizeof(key)), (ssize_t)sizeof(key));
	cr_assert_eq(waitpid(parent, NULL, 0), parent);
	cr_assert_eq(os_liveness_ask(&own, key), OS_DEAD);
	close(go[1]);
	os_liveness_stop(&own);
}

/* What a forked child finds, as bits of its exit status. */
static int look_from_child(struct os_liveness *parents)
{
	struct os_liveness own;
	int found = 0;

	found |= os_liveness_is_own(parents) ? 1 : 0;
	found |= os_liveness_ask(parents, parents->key) == OS_ALIVE ? 0 : 2;
	if (os_liveness_start(parents->directory_fd, &own) != 0)
		return found | 4;
	found |= os_liveness_is_own(&own) ? 0 : 8;
	found |= own.key >> 32 != parents->key >> 32 ? 0 : 16;
	os_liveness_stop(parents); /* only closes */
	os_liveness_stop(&own);
	return found;
}

static void check_child(pid_t child, struct os_liveness *own)
{
	int status;

	if (child == 0)
		_exit(look_from_child(own));
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0, "%d", WEXITSTATUS(status));
	cr_assert(os_liveness_is_own(own));
	child = fork();
	if (child == 0)
		_exit(os_liveness_ask(own, own->key) == OS_ALIVE ? 0 : 1);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0, "the child has not taken the parent's lock or file away");
}

Test(os_liveness, a_forked_child_is_not_its_parent)
{
	struct os_liveness own;

	cr_assert_eq(os_liveness_start(directory_fd, &own), 0);
	check_child(fork(), &own);
	os_liveness_stop(&own);
}

Test(os_liveness, a_child_forked_behind_the_back_of_libc_is_not_its_parent)
{
	struct os_liveness own;

	cr_assert_eq(os_liveness_start(directory_fd, &own), 0);
	check_child((pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0), &own);
	os_liveness_stop(&own);
}

/* In a child: asks about `key` from a PID namespace in which its process has no number. */
static int ask_from_pid_namespace(uint64_t key)
{
	struct os_liveness own;
	int status;

	if (unshare(CLONE_NEWPID) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0)
		return 77;
	if (fork() == 0) {
		if (getpid() != 1 || os_liveness_start(directory_fd, &own) != 0)
			_exit(1);
		status = os_liveness_ask(&own, key) == OS_ALIVE ? 0 : 2;
		os_liveness_stop(&own);
		_exit(status);
	}
	wait(&status);
	return WEXITSTATUS(status);
}

Test(os_liveness, a_process_in_another_pid_namespace_is_alive)
{
	struct os_liveness own;
	pid_t child;
	int status;

	cr_assert_eq(os_liveness_start(directory_fd, &own), 0);
	child = fork();
	if (child == 0)
		_exit(ask_from_pid_namespace(own.key));
	cr_assert_eq(waitpid(child, &status, 0), child);
	os_liveness_stop(&own);
	if (WEXITSTATUS(status) == 77)
		cr_skip_test("no PID namespace to be had");
	cr_assert_eq(status, 0);
}

Test(os_liveness, what_cannot_be_opened_is_not_proven_dead)
{
	struct os_liveness own;
	uint64_t key = 0x1234567812345678;

	cr_assert_eq(os_liveness_start(directory_fd, &own), 0);
	/* A link is not followed: ELOOP, no proof. */
	cr_assert_eq(symlinkat("/nowhere", directory_fd, ".alive-1234567812345678"), 0);
	cr_assert_eq(os_liveness_ask(&own, key), OS_ALIVE);
	os_liveness_forget(&own, key);
	cr_assert_eq(os_liveness_ask(&own, key), OS_DEAD);
	os_liveness_stop(&own);
}

Test(os_liveness, a_reader_cannot_make_the_dead_look_alive)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	struct os_liveness own;
	struct child child = child_start(false);
	char name[32];
	int fd;

	cr_assert_eq(os_liveness_start(directory_fd, &own), 0);
	kill(child.pid, SIGKILL);
	child_end(&child);
	snprintf(name, sizeof(name), ".alive-%016" PRIx64, child.key);
	pid_t reader = fork();
	int tell[2];

	cr_assert_eq(pipe(tell), 0);
	if (reader == 0) {
		fd = openat(directory_fd, name, O_RDONLY);
		if (fcntl(fd, F_SETLK, &lock) != 0)
			_exit(1);
		_exit(os_liveness_ask(&own, child.key) == OS_DEAD ? 0 : 2);
	}
	int status;

	cr_assert_eq(waitpid(reader, &status, 0), reader);
	cr_assert_eq(status, 0);
	os_liveness_stop(&own);
}

static int link_refused(int old_fd, const char *old_name, int new_fd, const char *new_name, int flags)
{
	(void)old_fd, (void)old_name, (void)new_fd, (void)new_name, (void)flags;
	errno = ENOSPC;
	return -1;
}

Test(os_liveness, a_start_that_fails_leaves_nothing)
{
	int (*real)(int, const char *, int, const char *, int) = os_sys.linkat;
	struct os_liveness own = {.key = 77};
	uint64_t listed;

	os_sys.linkat = link_refused;
	cr_assert_eq(os_liveness_start(directory_fd, &own), -ENOSPC);
	os_sys.linkat = real;
	cr_assert_eq(own.key, 77, "untouched on failure");
	cr_assert_eq(file_count(&listed), 0);
}

Test(os_liveness, lists_only_well_formed_names)
{
	const char *others[] = {".alive-", ".alive-12", ".alive-123456781234567g", ".alive-12345678123456780",
				"queue"};
	uint64_t listed;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		close(openat(directory_fd, others[i], O_CREAT | O_WRONLY, 0600));
	cr_assert_eq(file_count(&listed), 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		unlinkat(directory_fd, others[i], 0);
}
