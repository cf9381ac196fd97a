#include "gateway/credentials.h"
#include "gateway/security.h"
#include "tests/gateway/keys_file.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define KEY(id, secret) "aws_access_key_id = " id "\naws_secret_access_key = " secret "\n"
#define ACCOUNT "111122223333"

static struct credentials *credentials;
static struct credential found;
static char fault[CREDENTIALS_TEXT_BYTES], warning[CREDENTIALS_TEXT_BYTES];

static void tear_down(void)
{
	credentials_close(credentials);
	keys_end();
}

static bool open_text(const char *text, mode_t mode)
{
	keys_write(text, mode);
	credentials_close(credentials);
	credentials = credentials_open(keys_path, ACCOUNT, fault);
	return credentials != NULL;
}

static void expect_fault(const char *text, const char *wanted)
{
	strcpy(fault, "none");
	cr_expect_not(open_text(text, 0600), "%s", text);
	cr_expect_str_eq(fault, wanted);
}

TestSuite(credentials, .init = keys_begin, .fini = tear_down);

Test(credentials, profiles_are_found_by_their_key)
{
	cr_assert(
		open_text("# of the team\n\n[default]\n" KEY(
				  "B2", "s/e+c=") "region = eu-west-1\n\n"
						  "  [ other "
						  "]\r\n\tAWS_Access_Key_Id=A1\r\n\taws_secret_access_key  =  z\r\n"
						  "aws_account_id = 999988887777\n; end\n[sso]\nsso_session = "
						  "x\ns3 =\n  use = y",
			  0600),
		"%s", fault);
	cr_assert(credentials_find(credentials, "B2", &found));
	cr_expect_str_eq(found.user, "default");
	cr_expect_str_eq(found.secret, "s/e+c=");
	cr_expect_str_eq(found.account, ACCOUNT);
	cr_expect_not(found.has_token);
	cr_assert(credentials_find(credentials, "A1", &found));
	cr_expect_str_eq(found.user, "other");
	cr_expect_str_eq(found.secret, "z");
	cr_expect_str_eq(found.account, "999988887777");
	cr_expect_not(credentials_find(credentials, "", &found));
	cr_expect_not(credentials_find(credentials, "C3", &found));
	cr_expect_not(credentials_find(credentials, "b2", &found));
}

Test(credentials, a_session_token_is_kept_as_its_digest)
{
	cr_assert(open_text("[a]\n" KEY("A", "s") "aws_session_token = abc\n", 0600), "%s", fault);
	cr_assert(credentials_find(credentials, "A", &found));
	cr_expect(found.has_token);
	cr_expect_eq(memcmp(found.token_digest, "\xba\x78\x16\xbf\x8f\x01\xcf\xea", 8), 0);
}

Test(credentials, what_is_wrong_is_said_with_its_line)
{
	char text[512];

	expect_fault("", "line 0: the end, and no profile with an aws_access_key_id");
	expect_fault("[a]\nregion = x\n", "line 2: the end, and no profile with an aws_access_key_id");
	expect_fault("\nregion = x\n", "line 2: a setting before the first [profile]");
	expect_fault("[a]\nwhat\n", "line 2: neither [profile] nor name = value");
	expect_fault("[a\n" KEY("A", "s"), "line 1: a profile's name should end with ], and the line with it");
	expect_fault("[]\n" KEY("A", "s"), "line 1: a profile's name should have 1 to 64 bytes");
	expect_fault("[\xc3\xbc]\n" KEY("A", "s"), "line 1: a profile's name should be printable ASCII");
	expect_fault("[a]\n" KEY("A", "s") "[b]\n[a]\n", "line 5: profile [a] is in line 1 already");
	expect_fault("[a]\naws_access_key_id = A\n[b]\n",
		     "line 1: profile [a] has aws_access_key_id but no aws_secret_access_key");
	expect_fault("[b]\n[a]\naws_secret_access_key = A\n",
		     "line 2: profile [a] has aws_secret_access_key but no aws_access_key_id");
	expect_fault("[a]\n" KEY("A", "s") "[b]\n" KEY("A", "t"),
		     "line 4: profiles [a] and [b] have the same aws_access_key_id");
	expect_fault("[a]\naws_access_key_id = A\naws_access_key_id = B\n",
		     "line 3: aws_access_key_id is given twice");
	expect_fault("[a]\naws_secret_access_key =\n", "line 2: aws_secret_access_key is empty");
	expect_fault("[a]\naws_secret_access_key = a # b\n",
		     "line 2: aws_secret_access_key should be letters, digits and +/=_-.~ only");
	expect_fault("[a]\naws_access_key_id = a/b\n",
		     "line 2: aws_access_key_id should be letters, digits and _- only");
	expect_fault("[a]\n" KEY("A", "s") "aws_account_id = 12345678901\n",
		     "line 4: aws_account_id should be 12 digits");
	expect_fault("[a]\n" KEY("A", "s") "aws_session_token = \n", "line 4: aws_session_token is empty");
	snprintf(text, sizeof(text), "[a]\naws_access_key_id = %0129d\n", 0);
	expect_fault(text, "line 2: aws_access_key_id is longer than 128 bytes");
}

Test(credentials, a_file_that_cannot_be_read_is_said)
{
	cr_expect_eq(credentials_open("/nowhere/keys", ACCOUNT, fault), NULL);
	cr_expect_str_eq(fault, "No such file or directory");
	cr_expect_eq(credentials_open(keys_folder, ACCOUNT, fault), NULL);
	cr_expect_str_eq(fault, "not a regular file");
	cr_assert_eq(mkfifo(keys_path, 0600), 0);
	cr_expect_eq(credentials_open(keys_path, ACCOUNT, fault), NULL);
	cr_expect_str_eq(fault, "not a regular file");
}

Test(credentials, who_may_read_the_file_is_warned_of_once)
{
	char wanted[CREDENTIALS_TEXT_BYTES * 2];

	cr_assert(open_text("[a]\n" KEY("A", "s"), 0640));
	cr_expect_not(credentials_warning(credentials, warning));
	cr_assert(open_text("[a]\n" KEY("A", "s"), 0644));
	cr_expect(credentials_warning(credentials, warning));
	snprintf(wanted, sizeof(wanted),
		 "credentials file %s: every user of this machine may read it; chmod 600 it", keys_path);
	cr_expect_str_eq(warning, wanted);
	cr_expect_not(credentials_warning(credentials, warning));
	keys_write("[a]\n" KEY("A", "s"), 0666);
	cr_expect(credentials_find(credentials, "A", &found));
	cr_expect(credentials_warning(credentials, warning));
	cr_expect_neq(strstr(warning, "may write it"), NULL);
}

Test(credentials, a_change_is_seen_at_the_next_look)
{
	cr_assert(open_text("[a]\n" KEY("A", "s"), 0600));
	keys_write("[a]\n" KEY("B", "t"), 0600);
	cr_expect_not(credentials_find(credentials, "A", &found));
	cr_expect(credentials_find(credentials, "B", &found));
	cr_expect_not(credentials_warning(credentials, warning));
}

Test(credentials, a_change_that_is_wrong_changes_nothing_and_is_said_once)
{
	char wanted[CREDENTIALS_TEXT_BYTES * 2];

	cr_assert(open_text("[a]\n" KEY("A", "s"), 0600));
	keys_write("[a]\n" KEY("B", "t") "x\n", 0600);
	cr_expect(credentials_find(credentials, "A", &found));
	cr_expect_not(credentials_find(credentials, "B", &found));
	cr_expect(credentials_warning(credentials, warning));
	snprintf(wanted, sizeof(wanted),
		 "credentials file %s: line 4: neither [profile] nor name = value; what was read before stays in "
		 "force",
		 keys_path);
	cr_expect_str_eq(warning, wanted);
	cr_expect_not(credentials_warning(credentials, warning));
	cr_assert_eq(unlink(keys_path), 0);
	cr_expect(credentials_find(credentials, "A", &found));
	cr_expect(credentials_warning(credentials, warning));
	cr_expect_neq(strstr(warning, "No such file"), NULL);
	cr_expect(credentials_find(credentials, "A", &found));
	cr_expect_not(credentials_warning(credentials, warning));
	keys_write("[a]\n" KEY("B", "t"), 0600);
	cr_expect_not(credentials_find(credentials, "A", &found));
}

/* Threads look while the file changes: key and secret are always of one state of it. */
enum { THREADS = 4, CHANGES = 200 };
static atomic_bool is_over;
static atomic_int torn, looks;

static void *look(void *context)
{
	struct credential mine;

	(void)context;
	while (!atomic_load(&is_over)) {
		if (!credentials_find(credentials, "A", &mine) || strcmp(mine.user, mine.secret) != 0)
			atomic_fetch_add(&torn, 1);
		atomic_fetch_add(&looks, 1);
	}
	return NULL;
}

Test(credentials, threads_see_each_state_of_the_file_as_a_whole)
{
	pthread_t threads[THREADS];
	char text[256];

	cr_assert(open_text("[n]\n" KEY("A", "n"), 0600));
	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, look, NULL), 0);
	for (int i = 0; i < CHANGES || atomic_load(&looks) < CHANGES; i++) {
		snprintf(text, sizeof(text), "[n%d]\n" KEY("A", "n%d"), i, i);
		keys_write(text, 0600);
	}
	atomic_store(&is_over, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cr_expect_eq(atomic_load(&torn), 0);
}
