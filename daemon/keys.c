#include "daemon/keys.h"

#include "kmod-free/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_BYTES = 2 * CIPHER_KEY_BYTES };

#define RING_PREFIX "keyring:"

struct keys {
	bool has_current; /* it is the first one */
	size_t count;
	uint64_t plain_needed_by; /* newest file that is plain */
	struct key key[KEYS_MAX];
	char text[TEXT_BYTES + 2]; /* what is read: a line feed, and one to see that there is more */
};

/* Where to say what is wrong. */
struct why {
	char *text;
	size_t bytes;
};

static __attribute__((format(printf, 3, 4))) int refuse(const struct why *why, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why->text, why->bytes, format, arguments);
	va_end(arguments);
	return error;
}

/* ---- what a source says ----------------------------------------------------------------------- */

/* Anybody who can change it can have new messages encrypted with a key of his own. */
static int check_owner(int fd, const char *path, const struct why *why)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return refuse(why, -errno, "key %s: %s", path, strerror(errno));
	if (status.st_mode & 077)
		return refuse(why, -EACCES, "key %s: others may read or write it (mode %04o); chmod 600 it", path,
			      (unsigned)status.st_mode & 07777);
	if (status.st_uid != geteuid() && status.st_uid != 0)
		return refuse(why, -EACCES, "key %s: it belongs to another user (uid %u); chown it", path,
			      (unsigned)status.st_uid);
	return 0;
}

/* Up to its end or what `text` can hold: a pipe gives it in pieces. */
static int64_t read_all(int fd, char *text, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t count = read(fd, text + done, bytes - done);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return count < 0 ? -errno : (int64_t)done;
		done += (size_t)count;
	}
	return (int64_t)done;
}

static int64_t read_file(const char *path, char *text, size_t bytes, const struct why *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int64_t count;

	if (fd < 0)
		return refuse(why, -errno, "key %s: %s", path, strerror(errno));
	count = check_owner(fd, path, why);
	if (count == 0) {
		count = read_all(fd, text, bytes);
		if (count < 0)
			refuse(why, (int)count, "key %s: %s", path, strerror((int)-count));
	}
	close(fd);
	return count;
}

static int64_t read_ring(const char *description, char *text, size_t bytes, const struct why *why)
{
	int64_t count = os_key_read(description, text, bytes);

	switch (count) {
	case -ENOKEY:
		return refuse(
			why, (int)count,
			"key keyring:%s: no such key in the key rings of this process (keyctl padd user %s @u)",
			description, description);
	case -ENOSYS:
	case -EPERM:
		return refuse(why, (int)count,
			      "key keyring:%s: key rings cannot be used on this machine or in this container; keep "
			      "the key in a file",
			      description);
	case -EACCES:
		return refuse(
			why, (int)count,
			"key keyring:%s: it may not be read by this process (keyctl setperm, or link its ring "
			"to the session: keyctl link @u @s)",
			description);
	default:
		if (count < 0)
			refuse(why, (int)count, "key keyring:%s: %s", description, strerror((int)-count));
		return count;
	}
}

static int digit_of(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit |= 0x20;
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool parse(const char *text, int64_t count, unsigned char ret_bytes[static CIPHER_KEY_BYTES])
{
	if (count == TEXT_BYTES + 1 && text[TEXT_BYTES] == '\n')
		count--;
	for (int i = 0; i < CIPHER_KEY_BYTES && count == TEXT_BYTES; i++) {
		int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret_bytes[i] = (unsigned char)(high << 4 | low);
	}
	return count == TEXT_BYTES;
}

/* ---- one more --------------------------------------------------------------------------------- */

static int give_id(struct key *key)
{
	static const char info[] = "ringlease key id";
	int error = cipher_derive((struct cipher_bytes){key->bytes, sizeof(key->bytes)}, (struct cipher_bytes){0},
				  (struct cipher_bytes){info, sizeof(info) - 1}, &key->id, sizeof(key->id));

	if (key->id == 0)
		key->id = 1;
	return error;
}

static int add(struct keys *keys, const char *source, const struct why *why)
{
	struct key *key = &keys->key[keys->count];
	int64_t count;
	int error;

	if (keys->count == KEYS_MAX)
		return refuse(why, -E2BIG, "key %s: more than %d keys", source, KEYS_MAX);
	if (strncmp(source, RING_PREFIX, strlen(RING_PREFIX)) == 0)
		count = read_ring(source + strlen(RING_PREFIX), keys->text, sizeof(keys->text), why);
	else
		count = read_file(source, keys->text, sizeof(keys->text), why);
	if (count < 0)
		return (int)count;
	if (!parse(keys->text, count, key->bytes))
		return refuse(why, -EINVAL,
			      "key %s: not 64 hexadecimal digits and a line feed (openssl rand -hex 32 makes one)",
			      source);
	error = give_id(key);
	if (error)
		return refuse(why, error, "key %s: the library for encryption does not work: %s", source,
			      strerror(-error));
	if (!keys_find(keys, key->id)) /* the same one twice is one */
		keys->count++;
	return 0;
}

int keys_open(const char *current, const char *const *old, struct keys **ret_keys, char *ret_why, size_t why_bytes)
{
	const struct why why = {ret_why, why_bytes};
	struct keys *keys = os_secret_make(sizeof(*keys));
	int error = 0;

	if (keys == NULL)
		return refuse(&why, -ENOMEM, "no memory for keys");
	if (current)
		error = add(keys, current, &why);
	keys->has_current = current != NULL;
	for (size_t i = 0; old && old[i] && !error; i++)
		error = add(keys, old[i], &why);
	cipher_forget(keys->text, sizeof(keys->text));
	if (error) {
		keys_close(keys);
		return error;
	}
	*ret_keys = keys;
	return 0;
}

void keys_close(struct keys *keys)
{
	if (keys)
		cipher_forget(keys, sizeof(*keys));
	os_secret_drop(keys, sizeof(*keys));
}

/* ---- which ones ------------------------------------------------------------------------------- */

const struct key *keys_current(const struct keys *keys)
{
	return keys && keys->has_current ? &keys->key[0] : NULL;
}

const struct key *keys_find(const struct keys *keys, uint64_t id)
{
	for (size_t i = 0; keys && i < keys->count; i++)
		if (keys->key[i].id == id)
			return &keys->key[i];
	return NULL;
}

static void raise(uint64_t *needed_by, uint64_t file)
{
	if (file > *needed_by)
		*needed_by = file;
}

void keys_need(struct keys *keys, uint64_t id, uint64_t file)
{
	if (id == 0)
		raise(&keys->plain_needed_by, file);
	for (size_t i = 0; i < keys->count; i++)
		if (keys->key[i].id == id)
			raise(&keys->key[i].needed_by, file);
}

uint64_t keys_outdated(const struct keys *keys)
{
	uint64_t newest = 0;

	if (keys == NULL)
		return 0;
	if (keys->has_current)
		newest = keys->plain_needed_by;
	for (size_t i = keys->has_current; i < keys->count; i++)
		raise(&newest, keys->key[i].needed_by);
	return newest;
}

static bool is_let_go(uint64_t *needed_by, uint64_t oldest)
{
	if (*needed_by == 0 || *needed_by >= oldest)
		return false;
	*needed_by = 0;
	return true;
}

bool keys_let_go(struct keys *keys, uint64_t oldest, uint64_t *ret_id)
{
	*ret_id = 0;
	if (keys->has_current && is_let_go(&keys->plain_needed_by, oldest))
		return true;
	for (size_t i = keys->has_current; i < keys->count; i++)
		if (is_let_go(&keys->key[i].needed_by, oldest)) {
			*ret_id = keys->key[i].id;
			return true;
		}
	return false;
}

void keys_id_format(uint64_t id, char ret_text[static KEYS_ID_TEXT_BYTES])
{
	snprintf(ret_text, KEYS_ID_TEXT_BYTES, "%016" PRIx64, id);
}
