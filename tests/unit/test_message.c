/* What shm/message.c takes for an attribute, and for a record of one. */
#include "shm/message.h"
#include "shm/message_attributes.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(message, .timeout = 60);

static int check_value(enum rlq_attribute_type type, const char *value, size_t bytes)
{
	struct rlq_attribute attribute = {
		.name = "n", .type = type, .value = value, .value_bytes = (uint32_t)bytes};

	return message_attributes_check(&attribute, 1);
}

Test(message, shouldTakeDecimalNumbersForNumbers)
{
	static const char *const good[] = {"0", "-1", "+1", "1.5", ".5", "5.", "1e5", "1E-5", "1e+5", "007"};
	static const char *const bad[] = {"",	  "-",	  "+",	".",  "-.",   "e5",  "1e",   "1e+", "1e-", "1e5.",
					  "1e5:", "1e5/", "1:", "1/", "1..2", "--1", "0x10", "1 ",  "NaN", "1e 5"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		cr_expect_eq(check_value(RLQ_NUMBER, good[i], strlen(good[i])), 0, "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(check_value(RLQ_NUMBER, bad[i], strlen(bad[i])), RLQ_EATTRIBUTE, "%s", bad[i]);
}

/* The bytes end where they are said to end, not at a zero. */
Test(message, shouldReadNoFurtherThanTheValue)
{
	cr_expect_eq(check_value(RLQ_NUMBER, "1e5", 2), RLQ_EATTRIBUTE, "an exponent without digits");
	cr_expect_eq(check_value(RLQ_NUMBER, "1e-5", 3), RLQ_EATTRIBUTE);
	cr_expect_eq(check_value(RLQ_NUMBER, "15x", 2), 0);
	cr_expect_eq(check_value(RLQ_NUMBER, "1e55x", 4), 0);
}

Test(message, shouldRefuseValuesAndListsThatAreNone)
{
	static struct rlq_attribute many[RLQ_ATTRIBUTES_MAX + 1];
	static char names[RLQ_ATTRIBUTES_MAX + 1][2];

	cr_expect_eq(check_value(RLQ_STRING, NULL, 1), RLQ_EATTRIBUTE);
	cr_expect_eq(check_value(RLQ_STRING, "v", 0), RLQ_EATTRIBUTE);
	cr_expect_eq(check_value(RLQ_STRING, "v", 1), 0);
	cr_expect_eq(message_attributes_check(NULL, 1), RLQ_EATTRIBUTE);
	cr_expect_eq(message_attributes_check(NULL, 0), 0);
	for (int i = 0; i <= RLQ_ATTRIBUTES_MAX; i++) {
		names[i][0] = (char)('a' + i);
		many[i] = (struct rlq_attribute){
			.name = names[i], .type = RLQ_STRING, .value = "v", .value_bytes = 1};
	}
	cr_expect_eq(message_attributes_check(many, RLQ_ATTRIBUTES_MAX), 0);
	cr_expect_eq(message_attributes_check(many, RLQ_ATTRIBUTES_MAX + 1), RLQ_EATTRIBUTE);
}

/* Records lie in shared memory: what does not fit is damage, and is not read. */
Test(message, shouldRefuseARecordThatDoesNotFit)
{
	struct rlq_attribute attribute = {
		.name = "name", .type = RLQ_STRING, .type_label = "l", .value = "value", .value_bytes = 5};
	struct message_parts parts = {.attributes = &attribute, .attribute_count = 1, .source = "queue"};
	uint64_t bytes = message_extra_bytes(&parts), first = 8 + 4 + 1 + 5, offset;
	struct message_record record;
	unsigned char extra[64];

	cr_assert_eq(bytes, first + 8 + 5);
	message_write_extra(extra, &parts);
	offset = 0;
	cr_assert_eq(message_next_record(extra, bytes, &offset, &record), 1);
	cr_expect_eq(record.value_bytes, 5);
	cr_expect_eq(memcmp(record.value, "value", 5), 0);
	cr_expect_eq(offset, first);
	for (uint64_t cut = 1; cut < first; cut++) {
		offset = 0;
		cr_expect_eq(message_next_record(extra, cut, &offset, &record), RLQ_EDAMAGED, "%lu",
			     (unsigned long)cut);
		cr_expect_eq(offset, 0);
	}
	for (int length = 1; length <= 4; length++) { /* of the name, of the label, of the value */
		int at = length < 3 ? length : length + 3;
		unsigned char before = extra[at];

		extra[at] = 255;
		offset = 0;
		cr_expect_eq(message_next_record(extra, bytes, &offset, &record), RLQ_EDAMAGED, "length %d",
			     length);
		extra[at] = before;
	}
	offset = first;
	cr_expect_eq(message_next_record(extra, bytes, &offset, &record), 1);
	cr_expect_eq(message_next_record(extra, bytes, &offset, &record), 0, "the end");
}

/* What a move adds comes last, for it is left behind by the next one: all before it stays with the message. */
Test(message, shouldWriteTheTraceBeforeTheNotesOfAMove)
{
	struct message_parts parts = {
		.group = "g", .group_bytes = 1, .trace = "trace", .source = "q", .reason = "r"};
	static const struct {
		uint8_t kind;
		const char *value;
	} wanted[] = {{NOTE_GROUP, "g"}, {NOTE_TRACE, "trace"}, {NOTE_SOURCE, "q"}, {NOTE_REASON, "r"}};
	uint64_t bytes = message_extra_bytes(&parts), offset = 0;
	struct message_record record;
	unsigned char extra[64];

	cr_assert_eq(bytes, 4 * 8 + 1 + 5 + 1 + 1);
	message_write_extra(extra, &parts);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		cr_assert_eq(message_next_record(extra, bytes, &offset, &record), 1);
		cr_expect_eq(record.kind, wanted[i].kind);
		cr_expect(record.value_bytes == strlen(wanted[i].value) &&
			  memcmp(record.value, wanted[i].value, record.value_bytes) == 0);
	}
	cr_expect_eq(offset, bytes);
	parts = (struct message_parts){0};
	cr_expect_eq(message_extra_bytes(&parts), 0);
}
