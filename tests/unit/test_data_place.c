/* The folder of a journal: how it is made, and what is no place for one. */
#include "daemon/data_folder.h"

#include "tests/support/tmpdir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static char queues[TMPDIR_BYTES], path[TMPDIR_BYTES + 8], why[512];
static struct data_folder folder;
static long file_system; /* what fstatfs says; 0: as it is */

/* Instead of the C library's. */
int fstatfs(int fd, struct statfs *status)
{
	char link[64];

	if (file_system == 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		return statfs(link, status);
	}
	*status = (struct statfs){.f_type = file_system};
	return 0;
}

static void setup(void)
{
	tmpdir_make(queues);
	snprintf(path, sizeof(path), "%s/data", queues);
	file_system = 0;
}

static void teardown(void)
{
	data_folder_close(&folder);
	tmpdir_empty(path);
	rmdir(path);
	tmpdir_empty(queues);
	tmpdir_remove(queues);
}

TestSuite(data_place, .init = setup, .fini = teardown, .timeout = 60);

static int open_it(void)
{
	return data_folder_open(path, &folder, why, sizeof(why));
}

Test(data_place, is_made_for_its_owner_alone)
{
	struct stat status;

	cr_assert_eq(open_it(), 0);
	cr_assert_eq(stat(path, &status), 0);
	cr_expect_eq(status.st_mode & 07777, 0700);
}

/* The pid of an engine that was killed may have more digits than its successor's. */
Test(data_place, has_no_digits_left_of_an_older_engine)
{
	struct data_folder other;
	char process[32], lock[sizeof(path) + 8];
	FILE *file;

	cr_assert_eq(mkdir(path, 0700), 0);
	snprintf(lock, sizeof(lock), "%s/lock", path);
	file = fopen(lock, "w");
	cr_assert_not_null(file);
	fputs("4194303\n", file);
	fclose(file);
	cr_assert_eq(open_it(), 0);
	cr_expect_eq(data_folder_open(path, &other, why, sizeof(why)), -EBUSY);
	snprintf(process, sizeof(process), "(process %d)", getpid());
	cr_expect(strstr(why, process), "%s", why);
}

Test(data_place, is_not_on_a_network)
{
	static const long networks[] = {NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, CEPH_SUPER_MAGIC, V9FS_MAGIC};

	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
		file_system = networks[i];
		cr_expect_eq(open_it(), -EREMOTE);
		cr_expect(strstr(why, "use a local disk"), "%s", why);
		cr_expect_eq(tmpdir_count(path, "lock"), 0, "nothing is left there");
	}
	file_system = EXT4_SUPER_MAGIC;
	cr_expect_eq(open_it(), 0);
}

Test(data_place, says_what_to_do_when_it_cannot_be_used)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	fclose(file);
	cr_expect_eq(open_it(), -ENOTDIR);
	cr_expect(strstr(why, "Not a directory; name a folder that this user may write to"), "%s", why);
	cr_expect_eq(unlink(path), 0);
}
