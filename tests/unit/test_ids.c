/* What may be a group or deduplication id, and what is made of it. */
#include "shm/ids.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(ids, .timeout = 60);

Test(ids, shouldBeLettersDigitsAndPunctuation)
{
	static const char *const good[] = {"a", "0", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "Group-1"};
	static const char *const bad[] = {"", " ", "group 1", "a\t", "a\n", "\x7f", "gr\xc3\xbcn", " a", "a "};
	char longest[RLQ_ID_MAX + 2];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		cr_expect(id_is_valid(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not(id_is_valid(bad[i]), "%s", bad[i]);
	memset(longest, 'x', sizeof(longest));
	longest[RLQ_ID_MAX] = '\0';
	cr_expect(id_is_valid(longest));
	longest[RLQ_ID_MAX] = 'x';
	longest[RLQ_ID_MAX + 1] = '\0';
	cr_expect_not(id_is_valid(longest));
}

static struct id_key key_of(uint64_t seed, const char *group, const char *id)
{
	return id_dedup_key(seed, group, group ? strlen(group) : 0, id, strlen(id));
}

static bool is_same(struct id_key a, struct id_key b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

/* A queue keeps what was hashed, so the hash must stay what it is. The first answer is xxHash's own for no bytes.
 */
Test(ids, shouldHashToKnownAnswers)
{
	struct id_key key = key_of(1, NULL, "id"), grouped = key_of(1, "group", "id");

	cr_expect_eq(id_group_hash(0, "", 0), UINT64_C(0x2d06800538d394c2));
	cr_expect_eq(id_group_hash(1, "group", 5), UINT64_C(0x78d2a21f4aa9df2a));
	cr_expect_eq(key.word[0], UINT64_C(0x3cdb604c6f4a10ab));
	cr_expect_eq(key.word[1], UINT64_C(0x887e6f26123b3e44));
	cr_expect_eq(grouped.word[0], UINT64_C(0xffd79a454dda7f6d));
	cr_expect_eq(grouped.word[1], UINT64_C(0xbd508bdc2ea0557c));
}

Test(ids, shouldBeKeyedByTheQueueAndByTheGroupIfAsked)
{
	cr_expect_neq(id_group_hash(1, "g", 1), id_group_hash(2, "g", 1));
	cr_expect_neq(id_group_hash(1, "g", 1), id_group_hash(1, "h", 1));
	cr_expect_not(is_same(key_of(1, NULL, "id"), key_of(2, NULL, "id")));
	cr_expect_not(is_same(key_of(1, NULL, "id"), key_of(1, "g", "id")));
	cr_expect_not(is_same(key_of(1, "g", "id"), key_of(1, "h", "id")));
	cr_expect_not(is_same(key_of(1, "gi", "d"), key_of(1, "g", "id")), "where the group ends");
	cr_expect(is_same(key_of(1, "g", "id"), key_of(1, "g", "id")));
}

/* As many bytes as both may have, next to what must not be read. */
Test(ids, shouldHashTheLongestIds)
{
	char text[RLQ_ID_MAX + 1];
	struct id_key key;

	memset(text, 'x', RLQ_ID_MAX);
	text[RLQ_ID_MAX] = '\0';
	key = id_dedup_key(1, text, RLQ_ID_MAX, text, RLQ_ID_MAX);
	text[RLQ_ID_MAX] = 'y';
	cr_expect(is_same(key, id_dedup_key(1, text, RLQ_ID_MAX, text, RLQ_ID_MAX)));
	text[RLQ_ID_MAX - 1] = 'y';
	cr_expect_not(is_same(key, id_dedup_key(1, text, RLQ_ID_MAX, text, RLQ_ID_MAX)));
}
