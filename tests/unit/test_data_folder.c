#include "daemon/data_folder.h"
#include "kmod-free/sysops.h"
#include "tests/support/child.h"
#include "tests/support/tmpdir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char path[TMPDIR_BYTES], why[600];
static struct data_folder folder;
static struct os_sysops real;
static int sockets[2], held = -1, waits;

/* Who waits for the lock waits here. */
static long count_waits(const _Atomic uint32_t *word, int operation, uint32_t value, const struct timespec *timeout,
			uint32_t bits)
{
	if (++waits == 3 && held >= 0)
		close(held);
	return real.futex(word, operation, value, timeout, bits);
}

static void set_up(void)
{
	tmpdir_make(path);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets), 0);
	real = os_sys;
	os_sys.futex = count_waits;
}

static void tear_down(void)
{
	os_sys = real;
	tmpdir_empty(path);
	tmpdir_remove(path);
}

TestSuite(data_folder, .init = set_up, .fini = tear_down, .timeout = 60);

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr head;
};

/* Its own descriptor of the lock, as a ring of the kernel has one. */
static void lock_and_send(void *context)
{
	union control control = {0};
	char byte = 'x';
	struct iovec all = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &all,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	bool stays = *(const bool *)context;

	if (data_folder_open(path, &folder, why, sizeof(why)) != 0)
		_exit(1);
	control.head = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	memcpy(CMSG_DATA(&control.head), &folder.lock_fd, sizeof(int));
	if (sendmsg(sockets[1], &message, 0) != 1)
		_exit(1);
	while (stays)
		pause();
	_exit(0);
}

static void receive_lock(void)
{
	union control control = {0};
	char byte;
	struct iovec all = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &all,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};

	cr_assert_eq(recvmsg(sockets[0], &message, MSG_CMSG_CLOEXEC), 1);
	cr_assert_eq(control.head.cmsg_type, SCM_RIGHTS);
	memcpy(&held, CMSG_DATA(&control.head), sizeof(int));
}

Test(data_folder, the_lock_of_a_living_engine_is_refused_at_once)
{
	bool stays = true;
	pid_t pid = child_start(lock_and_send, &stays);
	char number[32];

	receive_lock();
	cr_expect_eq(data_folder_open(path, &folder, why, sizeof(why)), -EBUSY);
	snprintf(number, sizeof(number), "(process %d)", pid);
	cr_expect(strstr(why, number), "%s", why);
	cr_expect_eq(waits, 0);
	child_signal(pid, SIGKILL);
	child_wait(pid);
}

Test(data_folder, the_last_write_of_a_dead_engine_is_waited_for)
{
	bool stays = false;

	child_wait(child_start(lock_and_send, &stays));
	receive_lock();
	cr_expect_eq(data_folder_open(path, &folder, why, sizeof(why)), 0, "%s", why);
	cr_expect_eq(waits, 3);
	data_folder_close(&folder);
}

/* Nobody has to wait for what is not waited for. */
Test(data_folder, a_folder_that_was_closed_is_free_though_a_queue_has_its_lock)
{
	int kept;

	cr_assert_eq(data_folder_open(path, &folder, why, sizeof(why)), 0);
	kept = dup(folder.lock_fd);
	data_folder_close(&folder);
	cr_expect_eq(data_folder_open(path, &folder, why, sizeof(why)), 0);
	data_folder_close(&folder);
	close(kept);
}
