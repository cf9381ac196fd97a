/* The text of an AWS credentials file: [profile] sections of name = value lines; # and ; begin comments. Names that
 * are not ours are left to other programs; what is ours is read strictly, for a key that is silently not read
 * locks its user out. */
#include "gateway/credentials.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <nettle/sha2.h>

enum { PROFILES_MAX = 1024, LINE_BYTES_MAX = 16384, ACCOUNT_DIGITS = 12 };

struct reading {
	struct profiles *profiles;
	struct credential *current; /* NULL: before the first section */
	unsigned line;
	char *fault;
	size_t fault_bytes;
};

__attribute__((format(printf, 3, 4))) static bool refuse(struct reading *reading, unsigned line, const char *format,
							 ...)
{
	va_list arguments;
	int used = snprintf(reading->fault, reading->fault_bytes, "line %u: ", line);

	va_start(arguments, format);
	if (used > 0 && (size_t)used < reading->fault_bytes)
		vsnprintf(reading->fault + used, reading->fault_bytes - (size_t)used, format, arguments);
	va_end(arguments);
	return false;
}

/* In place, of both ends. */
static char *trimmed(char *text)
{
	char *end;

	text += strspn(text, " \t\r\n\f\v");
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return text;
}

/* Letters, digits and those of `others`. */
static bool consists_of(const char *text, const char *others)
{
	for (; *text != '\0'; text++)
		if (!isalnum((unsigned char)*text) && strchr(others, *text) == NULL)
			return false;
	return true;
}

static bool section_end(struct reading *reading)
{
	const struct credential *current = reading->current;

	if (current == NULL || (current->key_id[0] == '\0') == (current->secret[0] == '\0'))
		return true;
	return refuse(reading, current->line, "profile [%s] has aws_%s but no aws_%s", current->user,
		      current->key_id[0] != '\0' ? "access_key_id" : "secret_access_key",
		      current->key_id[0] != '\0' ? "secret_access_key" : "access_key_id");
}

static bool section_begin(struct reading *reading, char *text)
{
	struct profiles *profiles = reading->profiles;
	size_t bytes = strlen(text);
	char *name;

	if (!section_end(reading))
		return false;
	if (text[bytes - 1] != ']')
		return refuse(reading, reading->line, "a profile's name should end with ], and the line with it");
	text[bytes - 1] = '\0';
	name = trimmed(text + 1);
	if (name[0] == '\0' || strlen(name) >= USER_TEXT_BYTES)
		return refuse(reading, reading->line, "a profile's name should have 1 to %d bytes",
			      USER_TEXT_BYTES - 1);
	for (const char *c = name; *c != '\0'; c++)
		if (!isprint((unsigned char)*c))
			return refuse(reading, reading->line, "a profile's name should be printable ASCII");
	for (unsigned i = 0; i < profiles->count; i++)
		if (strcmp(profiles->list[i].user, name) == 0)
			return refuse(reading, reading->line, "profile [%s] is in line %u already", name,
				      profiles->list[i].line);
	if (profiles->count == PROFILES_MAX)
		return refuse(reading, reading->line, "more than %d profiles", PROFILES_MAX);
	reading->current = &profiles->list[profiles->count++];
	strcpy(reading->current->user, name);
	reading->current->line = reading->line;
	return true;
}

/* Into one of the credential's texts, which is given once. The value itself is a secret: no message has it. */
static bool take(struct reading *reading, const char *name, const char *value, const char *others, char *text,
		 size_t bytes)
{
	if (text[0] != '\0')
		return refuse(reading, reading->line, "%s is given twice", name);
	if (value[0] == '\0')
		return refuse(reading, reading->line, "%s is empty", name);
	if (strlen(value) >= bytes)
		return refuse(reading, reading->line, "%s is longer than %zu bytes", name, bytes - 1);
	if (!consists_of(value, others))
		return refuse(reading, reading->line, "%s should be letters, digits and %s only", name, others);
	strcpy(text, value);
	return true;
}

static bool take_token(struct reading *reading, const char *value)
{
	struct credential *current = reading->current;
	struct sha256_ctx context;

	if (current->has_token)
		return refuse(reading, reading->line, "aws_session_token is given twice");
	if (value[0] == '\0')
		return refuse(reading, reading->line, "aws_session_token is empty");
	sha256_init(&context);
	sha256_update(&context, strlen(value), (const uint8_t *)value);
	sha256_digest(&context, sizeof(current->token_digest), current->token_digest);
	current->has_token = true;
	return true;
}

static bool take_account(struct reading *reading, const char *value)
{
	if (strlen(value) != ACCOUNT_DIGITS || strspn(value, "0123456789") != ACCOUNT_DIGITS)
		return refuse(reading, reading->line, "aws_account_id should be %d digits", ACCOUNT_DIGITS);
	return take(reading, "aws_account_id", value, "", reading->current->account, ACCOUNT_TEXT_BYTES);
}

static bool setting(struct reading *reading, char *text)
{
	struct credential *current = reading->current;
	char *value = strchr(text, '=');
	const char *name;

	if (value == NULL)
		return refuse(reading, reading->line, "neither [profile] nor name = value");
	if (current == NULL)
		return refuse(reading, reading->line, "a setting before the first [profile]");
	*value++ = '\0';
	name = trimmed(text);
	value = trimmed(value);
	if (strcasecmp(name, "aws_access_key_id") == 0)
		return take(reading, "aws_access_key_id", value, "_-", current->key_id, KEY_ID_TEXT_BYTES);
	if (strcasecmp(name, "aws_secret_access_key") == 0)
		return take(reading, "aws_secret_access_key", value, "+/=_-.~", current->secret, SECRET_TEXT_BYTES);
	if (strcasecmp(name, "aws_session_token") == 0)
		return take_token(reading, value);
	if (strcasecmp(name, "aws_account_id") == 0)
		return take_account(reading, value);
	return true;
}

static bool lines(struct reading *reading, FILE *file)
{
	char line[LINE_BYTES_MAX];
	bool is_good = true;

	while (is_good && fgets(line, sizeof(line), file) != NULL) {
		char *text;

		reading->line++;
		/* Also of a line with a zero in it nothing seems to come after the zero. */
		if (strchr(line, '\n') == NULL && !feof(file)) {
			is_good = refuse(reading, reading->line, "longer than %d bytes, or has a zero byte",
					 LINE_BYTES_MAX - 2);
			break;
		}
		text = trimmed(line);
		if (text[0] == '\0' || text[0] == '#' || text[0] == ';')
			continue;
		is_good = text[0] == '[' ? section_begin(reading, text) : setting(reading, text);
	}
	explicit_bzero(line, sizeof(line));
	if (is_good && ferror(file))
		return refuse(reading, reading->line, "cannot be read");
	return is_good && section_end(reading);
}

static int by_key_id(const void *a, const void *b)
{
	return strcmp(((const struct credential *)a)->key_id, ((const struct credential *)b)->key_id);
}

/* Sorts them; each key is of one profile, and there is one. */
static bool keys_are_sound(struct reading *reading, const char *account)
{
	struct profiles *profiles = reading->profiles;

	qsort(profiles->list, profiles->count, sizeof(profiles->list[0]), by_key_id);
	if (profiles->count == 0 || profiles->list[profiles->count - 1].key_id[0] == '\0')
		return refuse(reading, reading->line, "the end, and no profile with an aws_access_key_id");
	for (unsigned i = 0; i < profiles->count; i++) {
		struct credential *one = &profiles->list[i];

		if (i > 0 && one->key_id[0] != '\0' && strcmp(one[-1].key_id, one->key_id) == 0)
			return refuse(reading, one->line > one[-1].line ? one->line : one[-1].line,
				      "profiles [%s] and [%s] have the same aws_access_key_id", one[-1].user,
				      one->user);
		if (one->account[0] == '\0')
			snprintf(one->account, sizeof(one->account), "%s", account);
	}
	return true;
}

struct profiles *profiles_read(FILE *file, const char *account, char *ret_fault, size_t fault_bytes)
{
	struct reading reading = {.fault = ret_fault, .fault_bytes = fault_bytes};

	reading.profiles = calloc(1, sizeof(struct profiles) + PROFILES_MAX * sizeof(struct credential));
	if (reading.profiles == NULL) {
		snprintf(ret_fault, fault_bytes, "out of memory");
		return NULL;
	}
	if (lines(&reading, file) && keys_are_sound(&reading, account))
		return reading.profiles;
	profiles_free(reading.profiles);
	return NULL;
}

void profiles_free(struct profiles *profiles)
{
	if (profiles != NULL)
		explicit_bzero(profiles, sizeof(*profiles) + profiles->count * sizeof(struct credential));
	free(profiles);
}

const struct credential *profiles_find(const struct profiles *profiles, const char *key_id)
{
	struct credential wanted = {0};

	if (key_id[0] == '\0' || strlen(key_id) >= sizeof(wanted.key_id))
		return NULL;
	strcpy(wanted.key_id, key_id);
	return bsearch(&wanted, profiles->list, profiles->count, sizeof(wanted), by_key_id);
}
