/* Master keys: where they come from, and what is refused. */
#include "daemon/keys.h"

#include "kmod-free/secret.h"
#include "kmod-free/sysops.h"
#include "tests/support/tmpdir.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define COUNTED "000102030405060708090A0B0C0D0E0F101112131415161718191a1b1c1d1e1f"
enum { COUNTED_ID_TOP = 0x86d3dd1f };

static char folder[TMPDIR_BYTES], why[256];
static struct keys *keys;
static struct os_sysops real;

static void setup(void)
{
	tmpdir_make(folder);
	real = os_sys;
	why[0] = '\0';
	keys = NULL;
}

static void teardown(void)
{
	os_sys = real;
	keys_close(keys);
	tmpdir_empty(folder);
	tmpdir_remove(folder);
}

TestSuite(keys, .init = setup, .fini = teardown, .timeout = 60);

/* A file with this text and mode; its path serves until eight more were made. */
static const char *file_with(const char *text, size_t bytes, mode_t mode)
{
	static char paths[8][TMPDIR_BYTES + 16];
	static int made;
	char *path = paths[made++ % 8];
	int fd;

	snprintf(path, sizeof(paths[0]), "%s/key-%d", folder, made);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
	cr_assert_eq(write(fd, text, bytes), (ssize_t)bytes);
	cr_assert_eq(fchmod(fd, mode), 0);
	close(fd);
	return path;
}

static const char *key_file(const char *text)
{
	return file_with(text, strlen(text), 0600);
}

static int open_one(const char *source)
{
	keys_close(keys);
	keys = NULL;
	return keys_open(source, NULL, &keys, why, sizeof(why));
}

/* ---- files ------------------------------------------------------------------------------------ */

Test(keys, a_file_has_64_hexadecimal_digits_and_perhaps_a_line_feed)
{
	static const char *const good[] = {COUNTED, COUNTED "\n"};

	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(open_one(key_file(good[i])), 0, "%s", why);
		for (int at = 0; at < CIPHER_KEY_BYTES; at++)
			cr_expect_eq(keys_current(keys)->bytes[at], at);
		cr_expect_eq(keys_current(keys)->id >> 32, (uint32_t)COUNTED_ID_TOP);
	}
}

Test(keys, anything_else_is_refused)
{
	static const char *const bad[] = {"", "\n", ZEROS "0", ZEROS "\n\n", ZEROS " ", "g" COUNTED, "0x" COUNTED};
	char shorter[] = COUNTED, wrong[] = COUNTED;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_expect_eq(open_one(key_file(bad[i])), -EINVAL, "%zu", i);
		cr_expect(strstr(why, "64 hexadecimal digits"), "%s", why);
	}
	shorter[63] = '\0';
	cr_expect_eq(open_one(key_file(shorter)), -EINVAL);
	for (const char *digit = "gG/:@`\n"; *digit; digit++) {
		wrong[37] = *digit;
		cr_expect_eq(open_one(key_file(wrong)), -EINVAL, "%c", *digit);
	}
	cr_expect_eq(open_one(file_with("\0\1\2", 3, 0600)), -EINVAL);
}

Test(keys, a_file_that_others_may_read_or_write_is_refused)
{
	for (mode_t bit = 1; bit <= 040; bit <<= 1) {
		cr_expect_eq(open_one(file_with(ZEROS, 64, 0600 | bit)), -EACCES, "mode %o", bit);
		cr_expect(strstr(why, "chmod 600"), "%s", why);
	}
	cr_expect_eq(open_one(file_with(ZEROS, 64, 0400)), 0, "%s", why);
}

Test(keys, a_file_of_somebody_else_is_refused)
{
	const char *path = key_file(ZEROS);

	if (geteuid() != 0)
		cr_skip_test("only root gives files away");
	cr_assert_eq(chown(path, 12345, (gid_t)-1), 0);
	cr_expect_eq(open_one(path), -EACCES);
	cr_expect(strstr(why, "12345"), "%s", why);
}

Test(keys, a_missing_file_is_named)
{
	char path[TMPDIR_BYTES + 16];

	snprintf(path, sizeof(path), "%s/none", folder);
	cr_expect_eq(open_one(path), -ENOENT);
	cr_expect(strstr(why, path), "%s", why);
	cr_expect_eq(open_one(folder), -EISDIR, "%s", why);
}

Test(keys, a_pipe_will_do, .description = "though it gives the key in pieces")
{
	char path[32];
	int ends[2], status;
	pid_t child;

	cr_assert_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		for (size_t i = 0; i < 64; i++)
			if (write(ends[1], &COUNTED[i], 1) != 1)
				_exit(1);
		_exit(0);
	}
	close(ends[1]);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	cr_expect_eq(open_one(path), 0, "%s", why);
	cr_expect_eq(waitpid(child, &status, 0), child);
	close(ends[0]);
}

/* ---- key rings -------------------------------------------------------------------------------- */

static int request_error, read_error;
static const char *ring_text;

static long fake_request(const char *type, const char *description, const char *callout, int32_t ring)
{
	(void)callout;
	(void)ring;
	cr_assert(strcmp(type, "user") == 0 && strcmp(description, "journal") == 0);
	errno = request_error;
	return request_error ? -1 : 4711;
}

static long fake_keyctl(int operation, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
	(void)d;
	if (operation == KEYCTL_SEARCH) {
		errno = ENOKEY;
		return -1;
	}
	cr_assert(operation == KEYCTL_READ && a == 4711);
	errno = read_error;
	if (read_error)
		return -1;
	memcpy((void *)b, ring_text, strlen(ring_text) < c ? strlen(ring_text) : c);
	return (long)strlen(ring_text);
}

static void expect_ring(int wanted, int requesting, int reading, const char *text, const char *says)
{
	os_sys.request_key = fake_request;
	os_sys.keyctl = fake_keyctl;
	request_error = requesting;
	read_error = reading;
	ring_text = text;
	why[0] = '\0';
	cr_expect_eq(open_one("keyring:journal"), wanted, "%s", why);
	cr_expect(strstr(why, says), "%s", why);
}

Test(keys, a_key_ring_has_the_same_text_as_a_file)
{
	expect_ring(0, 0, 0, COUNTED "\n", "");
	cr_expect_eq(keys_current(keys)->bytes[31], 31);
	expect_ring(-EINVAL, 0, 0, COUNTED COUNTED, "64 hexadecimal digits");
}

Test(keys, it_is_said_what_to_do_about_a_key_ring)
{
	expect_ring(-ENOKEY, ENOKEY, 0, "", "keyctl padd");
	expect_ring(-ENOSYS, ENOSYS, 0, "", "keep the key in a file");
	expect_ring(-EPERM, EPERM, 0, "", "keep the key in a file");
	expect_ring(-EACCES, 0, EACCES, "", "keyctl link");
	expect_ring(-EKEYREVOKED, EKEYREVOKED, 0, "", "keyring:journal");
}

Test(keys, the_kernel_gives_what_it_was_given)
{
	char name[64];
	char source[80];

	snprintf(name, sizeof(name), "ringlease-test-%d", (int)getpid());
	snprintf(source, sizeof(source), "keyring:%s", name);
	if (syscall(SYS_add_key, "user", name, COUNTED, (size_t)64, KEY_SPEC_PROCESS_KEYRING) < 0)
		cr_skip_test("no key rings here");
	cr_expect_eq(open_one(source), 0, "%s", why);
	cr_expect_eq(keys_current(keys)->bytes[5], 5);
}

/* ---- several ---------------------------------------------------------------------------------- */

static void open_both(bool has_current)
{
	const char *const old[] = {key_file(ZEROS), key_file(COUNTED), NULL};

	cr_assert_eq(keys_open(has_current ? old[1] : NULL, old, &keys, why, sizeof(why)), 0, "%s", why);
}

Test(keys, are_found_by_their_ids_and_one_given_twice_is_one)
{
	uint64_t counted;

	open_both(true);
	counted = keys_current(keys)->id;
	cr_expect_eq(keys_find(keys, counted), keys_current(keys));
	cr_expect_null(keys_find(keys, counted + 1));
	cr_expect_null(keys_find(NULL, counted));
	cr_expect_null(keys_current(NULL));
	keys_close(keys);
	open_both(false);
	cr_expect_null(keys_current(keys));
	cr_expect_not_null(keys_find(keys, counted));
}

Test(keys, a_bad_one_among_them_is_named)
{
	const char *const old[] = {key_file(ZEROS), key_file("bad"), NULL};

	cr_expect_eq(keys_open(key_file(COUNTED), old, &keys, why, sizeof(why)), -EINVAL);
	cr_expect(strstr(why, old[1]), "%s", why);
}

Test(keys, too_many_are_refused)
{
	const char *old[KEYS_MAX + 2] = {0};
	char text[] = ZEROS;

	for (int i = 0; i <= KEYS_MAX; i++) {
		text[0] = (char)('0' + i % 10);
		text[1] = (char)('0' + i / 10);
		old[i] = strdup(key_file(text));
	}
	cr_expect_eq(keys_open(NULL, old, &keys, why, sizeof(why)), -E2BIG);
	for (int i = 0; i <= KEYS_MAX; i++)
		free((void *)(uintptr_t)old[i]);
}

Test(keys, are_let_go_once_when_the_files_that_need_them_are_gone)
{
	uint64_t current, id = 1, zeros;

	open_both(true);
	current = keys_current(keys)->id;
	cr_assert_eq(open_one(key_file(ZEROS)), 0);
	zeros = keys_current(keys)->id;
	keys_close(keys);
	open_both(true);
	keys_need(keys, 0, 2);
	keys_need(keys, zeros, 5);
	keys_need(keys, zeros, 3);
	keys_need(keys, current, 9);
	cr_expect_eq(keys_outdated(keys), 5);
	cr_expect_not(keys_let_go(keys, 2, &id));
	cr_expect(keys_let_go(keys, 3, &id) && id == 0, "plain");
	cr_expect_not(keys_let_go(keys, 5, &id));
	cr_expect(keys_let_go(keys, 6, &id) && id == zeros);
	cr_expect_not(keys_let_go(keys, 100, &id), "once");
}

/* ---- memory ----------------------------------------------------------------------------------- */

/* Flags of the kernel's for the memory at this address. */
static void flags_of(const void *memory, char ret_flags[256])
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	char line[256];
	bool is_it = false;

	ret_flags[0] = '\0';
	while (fgets(line, sizeof(line), maps)) {
		uintptr_t begin, end;

		if (sscanf(line, "%lx-%lx ", &begin, &end) == 2)
			is_it = (uintptr_t)memory >= begin && (uintptr_t)memory < end;
		if (is_it && strncmp(line, "VmFlags:", 8) == 0)
			strcpy(ret_flags, line);
	}
	fclose(maps);
}

Test(keys, their_memory_is_not_dumped_and_not_inherited)
{
	unsigned char *secret = os_secret_make(100);
	char flags[256];
	int status;
	pid_t child;

	cr_assert_not_null(secret);
	memset(secret, 7, 100);
	flags_of(secret, flags);
	cr_expect(strstr(flags, " dd"), "not dumped: %s", flags);
	child = fork();
	if (child == 0)
		_exit(secret[50]);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(WEXITSTATUS(status), 0);
	cr_expect_eq(secret[50], 7);
	os_secret_drop(secret, 100);
}

static ssize_t no_random(void *bytes, size_t count, unsigned flags)
{
	(void)bytes;
	(void)count;
	(void)flags;
	errno = ENOSYS;
	return -1;
}

Test(keys, random_bytes_are_good_ones_or_none)
{
	unsigned char bytes[16] = {0}, other[16] = {0};

	cr_expect_eq(os_secret_random(bytes, sizeof(bytes)), 0);
	cr_expect_eq(os_secret_random(other, sizeof(other)), 0);
	cr_expect_neq(memcmp(bytes, other, sizeof(bytes)), 0);
	os_sys.getrandom = no_random;
	cr_expect_eq(os_secret_random(bytes, sizeof(bytes)), -ENOSYS);
}
