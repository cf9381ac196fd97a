/* What an engine says while it comes back, by a clock that the test moves. */
#include "daemon/account.h"
#include "tests/support/fake_clock.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct os_clock_words words;
static char said[512];
static int lines;
static struct account account;

static __attribute__((format(printf, 2, 3))) void say(void *context, const char *format, ...)
{
	va_list arguments;

	(void)context;
	va_start(arguments, format);
	vsnprintf(said, sizeof(said), format, arguments);
	va_end(arguments);
	lines++;
}

static void set_up(void)
{
	fake_clock_start(&words);
	account = (struct account){.say = say, .path = "/j"};
	account_begin(&account);
}

static void tear_down(void)
{
	os_clock_fake(NULL);
}

TestSuite(account, .init = set_up, .fini = tear_down);

Test(account, progress_is_said_once_a_second)
{
	for (int ms = 0; ms < 999; ms++) {
		account_reading(&account, 1, 100, 1);
		account_restoring(&account, "q", 1, 100);
		fake_clock_advance(&words, 1);
	}
	cr_expect_eq(lines, 0);
	fake_clock_advance(&words, 1);
	account_reading(&account, 1, 100, 1);
	account_reading(&account, 2, 100, 1);
	account_restoring(&account, "q", 1, 100);
	cr_expect_eq(lines, 1);
	fake_clock_advance(&words, 1000);
	account_restoring(&account, "q", 1, 100);
	cr_expect_eq(lines, 2);
}

Test(account, progress_says_how_much_and_how_fast)
{
	fake_clock_advance(&words, 2000);
	account_reading(&account, UINT64_C(512) << 20, UINT64_C(2) << 30, 123456);
	cr_expect_str_eq(said, "journal /j: 25 % read, 512.0 MiB of 2.0 GiB, 256.0 MiB/s; 123456 messages so far");
	fake_clock_advance(&words, 1000);
	account_restoring(&account, "q", 4096, 123456);
	cr_expect_str_eq(said, "journal /j: q: 4096 of 123456 messages in place");
}

Test(account, a_copy_says_how_much_and_how_fast)
{
	fake_clock_advance(&words, 999);
	account_copying(&account, UINT64_C(1) << 30);
	cr_expect_eq(lines, 0);
	fake_clock_advance(&words, 1001);
	account_copying(&account, UINT64_C(1) << 30);
	cr_expect_str_eq(said, "journal /j: 1.0 GiB copied, 512.0 MiB/s");
}

Test(account, what_came_of_it_is_said)
{
	const struct replay_report report = {.turns = 7,
					     .files = 3,
					     .files_unused = 1,
					     .bytes_all = 3 << 20,
					     .cut_file = 3,
					     .cut_offset = 8192,
					     .cut_bytes = 4096,
					     .cut_frames = 1};
	const struct replay_report whole = {.turns = 1, .files = 1, .bytes_all = 1 << 20};

	account_replayed(&account, &whole);
	cr_expect_eq(lines, 1);
	cr_expect_str_eq(said, "journal /j: 1 turn read from 1 file, 1.0 MiB");
	account_replayed(&account, &report);
	cr_expect_eq(lines, 4);
	cr_expect_str_eq(said, "journal /j: cut off behind the last whole turn, in journal-0000000003 at 8192: "
			       "4.0 KiB in 1 frame");
	account_queue(&account, "a", &(struct recovered){.messages = 5});
	cr_expect_str_eq(said, "a: 5 messages recovered");
	account_queue(&account, "b", &(struct recovered){.messages = 1, .was_alive = true, .gone = 2});
	cr_expect_str_eq(said, "b: 1 message found in memory, 2 deleted meanwhile");
	fake_clock_advance(&words, 1234);
	account_end(&account);
	cr_expect_str_eq(said, "journal /j: 2 queues with 6 messages back after 1.234 s");
}

Test(account, damage_is_said_and_counted)
{
	static struct replay_report report;

	report = (struct replay_report){.files = 1, .damage_count = REPLAY_DAMAGE_MAX + 6, .lost_frames = 80};
	for (int i = 0; i < REPLAY_DAMAGE_MAX; i++)
		report.damage[i] = (struct replay_damage){.file = 1, .fault = FORMAT_BAD_CRC};
	account_replayed(&account, &report);
	cr_expect_eq(lines, 1 + REPLAY_DAMAGE_MAX + 2);
	cr_expect_str_eq(said, "journal /j: DAMAGE took 80 frames of records; all others count");
	account_lost(&account, 0);
	cr_expect_eq(lines, 1 + REPLAY_DAMAGE_MAX + 2);
	account_lost(&account, 3);
	cr_expect_str_eq(said, "journal /j: DAMAGE: 3 messages of queues that no file defines any more");
}

/* Whoever has named the wrong folder has to see it. */
Test(account, a_new_journal_is_said_to_be_new)
{
	account_replayed(&account, &(struct replay_report){.turns = 0});
	account_end(&account);
	cr_expect_eq(lines, 1);
	cr_expect_str_eq(said, "journal /j: begun: there was none in this folder");
}
