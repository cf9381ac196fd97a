/* When a directory of queues is to be listed again. */
#include "daemon/listing.h"

#include "tests/support/tmpdir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HOUR_S = 3600 };

static char path[TMPDIR_BYTES];
static struct listing listing;
static int directory;

static void setup(void)
{
	tmpdir_make(path);
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	listing = (struct listing){0};
}

static void teardown(void)
{
	close(directory);
	tmpdir_remove(path);
}

TestSuite(listing, .init = setup, .fini = teardown, .timeout = 60);

/* So long ago, or to come. */
static void changed(time_t seconds)
{
	struct timespec times[2];

	clock_gettime(CLOCK_REALTIME, &times[1]);
	times[1].tv_sec += seconds;
	times[0] = times[1];
	cr_assert_eq(futimens(directory, times), 0);
}

Test(listing, is_due_once_after_a_change)
{
	for (int i = 1; i <= 2; i++) {
		changed(-HOUR_S * i);
		cr_expect_eq(listing_is_due(&listing, directory), 1);
		cr_expect_eq(listing_is_due(&listing, directory), 0);
	}
}

/* Another one in the same tick would leave the same time. */
Test(listing, is_due_again_when_the_change_is_fresh)
{
	changed(0);
	cr_expect_eq(listing_is_due(&listing, directory), 1);
	cr_expect(listing.again);
	cr_expect_eq(listing_is_due(&listing, directory), 1);
}

Test(listing, is_not_due_for_ever_when_the_clock_was_set_back)
{
	changed(HOUR_S);
	cr_expect_eq(listing_is_due(&listing, directory), 1);
	cr_expect_eq(listing_is_due(&listing, directory), 0);
	changed(-HOUR_S);
	cr_expect_eq(listing_is_due(&listing, directory), 1);
}

Test(listing, says_that_there_is_no_directory)
{
	cr_expect_eq(listing_is_due(&listing, -1), -EBADF);
}
