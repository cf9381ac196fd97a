/* Sized structs, and the attributes of queues. */
#include "client/internal.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(options, .init = queues_begin, .fini = queues_end, .timeout = 60);

struct longer {
	struct rlq_receive_options known;
	uint64_t more[4];
};

/* ---- sizes ------------------------------------------------------------------------------------ */

Test(options, shouldBeDefaultsWhenNotGiven)
{
	struct rlq_receive_options o = RLQ_RECEIVE_OPTIONS_INIT;

	cr_assert_eq(options_read(&o, sizeof(o), NULL), 0);
	cr_assert_eq(o.visibility_ms, RLQ_DEFAULT);
}

Test(options, shouldFillUpWhatAnOlderCallerDoesNotKnow)
{
	struct rlq_receive_options o = RLQ_RECEIVE_OPTIONS_INIT, shorter = {.wait_ms = 7, .visibility_ms = 99};

	shorter.size = offsetof(struct rlq_receive_options, visibility_ms);
	cr_assert_eq(options_read(&o, sizeof(o), &shorter), 0);
	cr_assert_eq(o.wait_ms, 7);
	cr_assert_eq(o.visibility_ms, RLQ_DEFAULT);
}

Test(options, shouldAcceptANewerCallerThatAsksForNothingNew)
{
	struct longer given = {.known = RLQ_RECEIVE_OPTIONS_INIT};
	struct rlq_receive_options o = RLQ_RECEIVE_OPTIONS_INIT;

	given.known.size = sizeof(given);
	given.known.wait_ms = 5;
	cr_assert_eq(options_read(&o, sizeof(o), &given), 0);
	cr_assert_eq(o.wait_ms, 5);
	given.more[3] = 1;
	cr_assert_eq(options_read(&o, sizeof(o), &given), RLQ_EATTRIBUTE, "it asks for what we do not know");
}

Test(options, shouldRefuseASizeThatCannotBe)
{
	static const size_t sizes[] = {0, 1, sizeof(size_t) - 1, 4097, SIZE_MAX};
	struct rlq_receive_options o = RLQ_RECEIVE_OPTIONS_INIT, given = RLQ_RECEIVE_OPTIONS_INIT;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		given.size = sizes[i];
		cr_expect_eq(options_read(&o, sizeof(o), &given), RLQ_EATTRIBUTE, "size %zu", sizes[i]);
	}
}

/* A result as an older, newer or forgetful caller has it: `size` bytes, and what lies behind them. */
union result {
	struct rlq_queue_attributes attributes;
	struct rlq_queue_stat stat;
	size_t size;
	unsigned char bytes[512];
};

static union result result_of(size_t size)
{
	union result result;

	memset(&result, 0xee, sizeof(result));
	result.size = size;
	return result;
}

static void expect_bytes(const union result *result, size_t from, size_t to, unsigned char wanted)
{
	for (size_t i = from; i < to; i++)
		cr_assert_eq(result->bytes[i], wanted, "byte %zu", i);
}

Test(options, shouldFillResultsUpToTheirSizeAndNoFurther)
{
	static const size_t least = offsetof(struct rlq_queue_stat, dlq_error) + sizeof(int32_t), far = 400;
	struct rlq_queue *queue = queue_make("q", NULL);
	union result result = result_of(least);

	send_text(queue, "a");
	cr_assert_eq(rlq_queue_stat(queue, &result.stat), 0);
	cr_expect_eq(result.stat.size, least);
	cr_expect_eq(result.stat.visible, 1);
	expect_bytes(&result, least, sizeof(result), 0xee);
	result = result_of(far);
	cr_assert_eq(rlq_queue_stat(queue, &result.stat), 0);
	cr_expect_eq(result.stat.size, far);
	expect_bytes(&result, sizeof(result.stat), far, 0);
	expect_bytes(&result, far, sizeof(result), 0xee);
	result = result_of(far);
	cr_assert_eq(rlq_queue_get_attributes(queue, &result.attributes), 0);
	cr_expect_eq(result.attributes.visibility_ms, 30000);
	expect_bytes(&result, sizeof(result.attributes), far, 0);
	expect_bytes(&result, far, sizeof(result), 0xee);
	cr_expect_eq(rlq_queue_set_attributes(queue, &result.attributes), 0, "what was read can be set");
}

Test(options, shouldRefuseAResultWithoutItsSize)
{
	static const size_t sizes[] = {0, 8, offsetof(struct rlq_queue_stat, dlq_error), 4097, SIZE_MAX};
	struct rlq_queue *queue = queue_make("q", NULL);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		union result result = result_of(sizes[i]);

		cr_expect_eq(rlq_queue_stat(queue, &result.stat), RLQ_EATTRIBUTE);
		cr_expect_eq(rlq_queue_get_attributes(queue, &result.attributes), RLQ_EATTRIBUTE);
		expect_bytes(&result, sizeof(size_t), sizeof(result), 0xee);
	}
}

Test(options, shouldBeCheckedByEveryCallThatTakesThem)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_send_options send = RLQ_SEND_OPTIONS_INIT;
	struct rlq_receive_options receive = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_send_entry entry = {.body = "x", .body_bytes = 1, .delay_ms = RLQ_DEFAULT};
	struct rlq_reservation reservation;
	struct rlq_message message;

	send.size = receive.size = attributes.size = 3;
	cr_expect_eq(rlq_send(queue, "x", 1, &send, NULL), RLQ_EATTRIBUTE);
	cr_expect_eq(rlq_send_batch(queue, &entry, 1, &send, NULL), RLQ_EATTRIBUTE);
	cr_expect_eq(rlq_reserve(queue, 1, &send, &reservation), RLQ_EATTRIBUTE);
	cr_expect_eq(rlq_receive(queue, &message, 1, &receive), RLQ_EATTRIBUTE);
	cr_expect_eq(rlq_queue_create(queues_directory(), "r", &attributes), RLQ_EATTRIBUTE);
	cr_expect_eq(rlq_queue_set_attributes(queue, &attributes), RLQ_EATTRIBUTE);
	cr_expect_eq(stat_of(queue).visible, 0);
}

/* ---- attributes of a queue -------------------------------------------------------------------- */

static struct rlq_queue_attributes good(void)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	return attributes;
}

static int create(const struct rlq_queue_attributes *attributes)
{
	int result = rlq_queue_create(queues_directory(), "q", attributes);

	if (result == 1)
		rlq_queue_remove(queues_directory(), "q");
	return result;
}

#define EXPECT(field, value, wanted)                                                                               \
	do {                                                                                                       \
		struct rlq_queue_attributes a_ = good();                                                           \
		a_.field = value;                                                                                  \
		cr_expect_eq(create(&a_), wanted, "%s = %s", #field, #value);                                      \
	} while (0)

Test(options, shouldHoldAttributesToTheirRanges)
{
	EXPECT(visibility_ms, 0, 1);
	EXPECT(visibility_ms, RLQ_VISIBILITY_MAX_MS, 1);
	EXPECT(visibility_ms, RLQ_VISIBILITY_MAX_MS + 1, RLQ_EATTRIBUTE);
	EXPECT(visibility_ms, -1, RLQ_EATTRIBUTE);
	EXPECT(delay_ms, RLQ_DELAY_MAX_MS, 1);
	EXPECT(delay_ms, RLQ_DELAY_MAX_MS + 1, RLQ_EATTRIBUTE);
	EXPECT(delay_ms, INT64_MIN, RLQ_EATTRIBUTE);
	EXPECT(retention_ms, RLQ_RETENTION_MIN_MS, 1);
	EXPECT(retention_ms, RLQ_RETENTION_MIN_MS - 1, RLQ_EATTRIBUTE);
	EXPECT(retention_ms, RLQ_RETENTION_MAX_MS + 1, RLQ_EATTRIBUTE);
	EXPECT(wait_ms, 20000, 1);
	EXPECT(wait_ms, 20001, RLQ_EATTRIBUTE);
	EXPECT(message_bytes_max, 1, 1);
	EXPECT(message_bytes_max, 0, RLQ_EATTRIBUTE);
	EXPECT(message_bytes_max, (uint64_t)RLQ_BODY_MAX + 1, RLQ_EATTRIBUTE);
	EXPECT(capacity, 1, 1);
	EXPECT(capacity, 0, RLQ_EATTRIBUTE);
	EXPECT(capacity, RLQ_CAPACITY_MAX, 1);
	EXPECT(capacity, RLQ_CAPACITY_MAX + 1, RLQ_EATTRIBUTE);
	EXPECT(mode, 0600, 1);
	EXPECT(mode, 0400, RLQ_EATTRIBUTE);
	EXPECT(mode, 04600, RLQ_EATTRIBUTE);
	EXPECT(placement, (enum rlq_placement)3, RLQ_EATTRIBUTE);
	EXPECT(receives_max, 3, RLQ_EATTRIBUTE); /* without a DLQ */
}

Test(options, shouldHoldDeadLetterQueuesToTheirRules)
{
	struct rlq_queue_attributes attributes = good();

	queue_make("dlq", NULL);
	strcpy(attributes.dlq, "dlq");
	cr_expect_eq(create(&attributes), RLQ_EATTRIBUTE, "a DLQ needs a number of receives");
	attributes.receives_max = 1001;
	cr_expect_eq(create(&attributes), RLQ_EATTRIBUTE);
	attributes.receives_max = 1000;
	cr_expect_eq(create(&attributes), 1);
	strcpy(attributes.dlq, "none");
	cr_expect_eq(create(&attributes), RLQ_ENODLQ);
	strcpy(attributes.dlq, "q");
	cr_expect_eq(create(&attributes), RLQ_ENODLQ, "not its own");
	strcpy(attributes.dlq, "a b");
	cr_expect_eq(create(&attributes), RLQ_ENAME);
	memset(attributes.dlq, 'x', sizeof(attributes.dlq));
	cr_expect_eq(create(&attributes), RLQ_EATTRIBUTE, "without an end");
}

Test(options, shouldTakeTheSameAttributesAgainAndRefuseOthers)
{
	struct rlq_queue_attributes attributes = good(), read = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;

	attributes.delay_ms = 5;
	queue = queue_make("q", &attributes);
	cr_expect_eq(rlq_queue_create(queues_directory(), "q", &attributes), 0);
	attributes.delay_ms = 6;
	cr_expect_eq(rlq_queue_create(queues_directory(), "q", &attributes), RLQ_EEXISTS);
	cr_expect_eq(rlq_queue_create(queues_directory(), "q", NULL), RLQ_EEXISTS);
	cr_expect_eq(rlq_queue_get_attributes(queue, &read), 0);
	cr_expect_eq(read.delay_ms, 5);
	cr_expect_eq(read.size, sizeof(read));
}

Test(options, shouldSetWhatCanChangeAndRefuseWhatIsFixed)
{
	struct rlq_queue_attributes attributes = good(), read = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue = queue_make("q", &attributes), *other = queue_again("q");
	struct rlq_queue_attributes fixed = attributes;

	attributes.visibility_ms = 1234;
	attributes.wait_ms = 77;
	cr_assert_eq(rlq_queue_set_attributes(queue, &attributes), 0);
	cr_assert_eq(rlq_queue_get_attributes(other, &read), 0);
	cr_expect_eq(read.visibility_ms, 1234);
	cr_expect_eq(read.wait_ms, 77);
	fixed.capacity = 5;
	cr_expect_eq(rlq_queue_set_attributes(queue, &fixed), RLQ_EATTRIBUTE);
	fixed = attributes;
	fixed.mode = 0644;
	cr_expect_eq(rlq_queue_set_attributes(queue, &fixed), RLQ_EATTRIBUTE);
	fixed = attributes;
	fixed.delay_ms = -5;
	cr_expect_eq(rlq_queue_set_attributes(queue, &fixed), RLQ_EATTRIBUTE);
	cr_assert_eq(rlq_queue_get_attributes(queue, &read), 0);
	cr_expect_eq(read.visibility_ms, 1234, "a refused set changes nothing");
}

Test(options, shouldSwitchTheDeadLetterQueue)
{
	struct rlq_queue_attributes attributes = good(), read = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue = queue_make("q", &attributes);
	static const char *const names[] = {"d1", "d2", "", "d1"};

	queue_make("d1", NULL);
	queue_make("d2", NULL);
	for (int i = 0; i < 4; i++) {
		strcpy(attributes.dlq, names[i]);
		attributes.receives_max = names[i][0] ? 5 : 0;
		cr_assert_eq(rlq_queue_set_attributes(queue, &attributes), 0);
		cr_assert_eq(rlq_queue_get_attributes(queue, &read), 0);
		cr_assert_str_eq(read.dlq, names[i]);
	}
}

Test(options, shouldTakeHalfADeadLetterQueueForNone)
{
	struct rlq_queue_attributes attributes = good(), read = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue = queue_make("q", &attributes);

	store_seq(&queue->seg->header->attribute[ATTRIBUTE_RECEIVES_MAX], 3);
	cr_assert_eq(rlq_queue_get_attributes(queue, &read), 0);
	cr_expect_eq(read.receives_max, 0);
	cr_expect_eq(rlq_queue_set_attributes(queue, &read), 0);
	cr_expect_eq(load_seq(&queue->seg->header->attribute[ATTRIBUTE_RECEIVES_MAX]), 0);
	store_seq(&queue->seg->header->attribute[ATTRIBUTE_DLQ], 1);
	cr_assert_eq(rlq_queue_get_attributes(queue, &read), 0);
	cr_expect_str_eq(read.dlq, "");
	cr_expect_eq(rlq_queue_set_attributes(queue, &read), 0);
}

Test(options, shouldHaveATextForEveryCode)
{
	for (int code = RLQ_EBOOT; code <= RLQ_EFULL; code++) {
		const char *text = rlq_strerror(code);

		cr_expect(text && strcmp(text, "unknown error") != 0, "%d", code);
	}
	cr_expect_str_eq(rlq_strerror(-12345), "unknown error");
	cr_expect_str_eq(rlq_strerror(7), "unknown error");
	cr_expect(rlq_strerror(-2) != NULL);
	cr_expect_str_eq(rlq_strerror(0), "success");
}
