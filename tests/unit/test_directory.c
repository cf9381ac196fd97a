#include "ring/event.h"
#include "shm/directory.h"
#include "tests/support/queue_fixture.h"
#include "tests/support/tmpdir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct seg_directory directory;

static void set_up(void)
{
	queues_begin();
	cr_assert_eq(seg_directory_open(queues_path(), &directory), 0);
}

static void tear_down(void)
{
	seg_directory_close(&directory);
	queues_end();
}

TestSuite(directory, .init = set_up, .fini = tear_down, .timeout = 60);

Test(directory, shouldTellQueueNamesFromOthers)
{
	static const char *const good[] = {"a", "A-Z_09", "--", "x.fifo"};
	static const char *const bad[] = {"",	 "a b",	  "a/b",	 "..",	    "ä",
					  "a.b", ".fifo", "a.fifo.fifo", "a.fifo2", "fifo.a"};
	char longest[RLQ_NAME_MAX + 2];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		cr_expect(seg_name_is_valid(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not(seg_name_is_valid(bad[i]), "%s", bad[i]);
	cr_expect_not(seg_name_is_valid(NULL));
	memset(longest, 'q', sizeof(longest));
	longest[RLQ_NAME_MAX] = '\0';
	cr_expect(seg_name_is_valid(longest));
	strcpy(longest + RLQ_NAME_MAX - 5, ".fifo");
	cr_expect(seg_name_is_valid(longest), "the suffix counts");
	strcpy(longest + RLQ_NAME_MAX - 4, ".fifo");
	longest[RLQ_NAME_MAX - 5] = 'q';
	cr_expect_not(seg_name_is_valid(longest));
	memset(longest, 'q', RLQ_NAME_MAX);
	longest[RLQ_NAME_MAX] = 'q';
	longest[RLQ_NAME_MAX + 1] = '\0';
	cr_expect_not(seg_name_is_valid(longest));
}

Test(directory, shouldKnowThatItIsOnTmpfs)
{
	cr_assert(directory.is_tmpfs);
	cr_assert_str_eq(directory.path, queues_path());
}

Test(directory, shouldBeMadePrivateWhenItIsMissing)
{
	char path[TMPDIR_BYTES + 8];
	struct seg_directory made;
	struct stat status;

	snprintf(path, sizeof(path), "%s/new", queues_path());
	cr_assert_eq(seg_directory_open(path, &made), 0);
	cr_assert_eq(fstat(made.fd, &status), 0);
	cr_assert_eq(status.st_mode & 0777, 0700);
	seg_directory_close(&made);
	tmpdir_remove(path);
}

Test(directory, shouldComeFromTheEnvironmentWhenNoPathIsGiven)
{
	struct seg_directory other;

	setenv("RINGLEASE_DIR", queues_path(), 1);
	cr_assert_eq(seg_directory_open(NULL, &other), 0);
	cr_assert_str_eq(other.path, queues_path());
	seg_directory_close(&other);
}

Test(directory, shouldRefuseAFileAndAMissingParent)
{
	struct seg_directory other;
	char path[TMPDIR_BYTES + 16];

	snprintf(path, sizeof(path), "%s/.engine", queues_path());
	cr_assert_eq(seg_directory_open(path, &other), -ENOTDIR);
	snprintf(path, sizeof(path), "%s/no/such", queues_path());
	cr_assert_eq(seg_directory_open(path, &other), -ENOENT);
}

Test(directory, shouldRefuseAnEnginePageThatIsNone)
{
	struct seg_directory other;
	int fd = openat(directory.fd, ".engine", O_RDWR);

	cr_assert_eq(pwrite(fd, "x", 1, 0), 1);
	cr_assert_eq(seg_directory_open(queues_path(), &other), RLQ_EDAMAGED);
	cr_assert_eq(ftruncate(fd, 100), 0);
	cr_assert_eq(seg_directory_open(queues_path(), &other), RLQ_EDAMAGED);
	close(fd);
}

/* ---- listing ---------------------------------------------------------------------------------- */

static int append(void *context, const char *name)
{
	strcat(context, name);
	strcat(context, " ");
	return strcmp(name, "stop") == 0 ? 42 : 0;
}

static void touch(const char *file)
{
	int fd = openat(directory.fd, file, O_CREAT | O_WRONLY, 0600);

	cr_assert_geq(fd, 0);
	close(fd);
}

Test(directory, shouldListQueuesByNameAndNothingElse)
{
	char names[256] = "";

	queue_make("b", NULL);
	queue_make("ab", NULL);
	queue_make("a", NULL);
	touch("not-ours");
	touch(".rlq");
	touch("bad name.rlq");
	cr_assert_eq(rlq_queue_list(queues_directory(), NULL, append, names), 0);
	cr_assert_str_eq(names, "a ab b ");
	names[0] = '\0';
	cr_assert_eq(rlq_queue_list(queues_directory(), "a", append, names), 0);
	cr_assert_str_eq(names, "a ab ");
}

Test(directory, shouldStopListingWhenAsked)
{
	char names[256] = "";

	queue_make("stop", NULL);
	queue_make("tail", NULL);
	cr_assert_eq(rlq_queue_list(queues_directory(), NULL, append, names), 42);
	cr_assert_str_eq(names, "stop ");
}

/* ---- the engine's page ------------------------------------------------------------------------ */

Test(directory, shouldTakeAnEngineForPromptUntilItIsLate)
{
	uint64_t now = boot_now();

	cr_assert_not(seg_engine_is_prompt(&directory, now), "none has ever run");
	store_seq(&directory.engine->awake_by_ms, now + 100);
	cr_assert(seg_engine_is_prompt(&directory, now));
	cr_assert(seg_engine_is_prompt(&directory, now + 100 + ENGINE_PATIENCE_MS));
	cr_assert_not(seg_engine_is_prompt(&directory, now + 101 + ENGINE_PATIENCE_MS));
}

Test(directory, shouldNotBelieveAnEngineThatSaysItSleepsForDays)
{
	uint64_t now = boot_now();

	/* Left behind by an earlier boot, where the directory outlives one. */
	store_seq(&directory.engine->awake_by_ms, now + 86400000);
	cr_assert_not(seg_engine_is_prompt(&directory, now));
}

Test(directory, shouldAskTheEngineToBeAwakeEarlierOnlyIfNeeded)
{
	uint64_t now = boot_now();

	store_seq(&directory.engine->awake_by_ms, now + 50);
	seg_engine_expect(&directory, now + 60, now);
	cr_assert_eq(load_seq(&directory.engine->awake_by_ms), now + 50);
	seg_engine_expect(&directory, now + 40, now);
	cr_assert_leq(load_seq(&directory.engine->awake_by_ms), now + 40);
}

/* A killed engine leaves the sleepers bit: it costs one system call, once. */
Test(directory, shouldRingOnceForAnEngineThatIsGone)
{
	atomic_u32 *bell = &directory.engine->bell;
	uint64_t now = boot_now();
	uint32_t ticket = event_prepare(bell);

	cr_assert(event_has_sleepers(bell));
	store_seq(&directory.engine->awake_by_ms, now + 50);
	seg_engine_expect(&directory, now + 40, now);
	cr_expect_neq(load32_seq(bell), ticket, "it was rung");
	cr_expect_not(event_has_sleepers(bell), "nobody slept");
}
