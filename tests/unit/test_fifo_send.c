/* Messages with ids: what is refused, and that ids, payload and links are where they belong. */
#include "client/internal.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

static struct rlq_queue *fifo, *fifo_dlq, *standard;

/* With its DLQ, both FIFO. */
static struct rlq_queue *make_fifo(const char *name, const char *dlq)
{
	struct seg_recipe recipe = {.name = name,
				    .capacity = 1000,
				    .mode = 0600,
				    .group = UINT32_MAX,
				    .type = RLQ_FIFO,
				    .dedup_max = 1000,
				    .attribute = {[ATTRIBUTE_VISIBILITY_MS] = 1000,
						  [ATTRIBUTE_RETENTION_MS] = 3600000,
						  [ATTRIBUTE_BYTES_MAX] = RLQ_BODY_MAX,
						  [ATTRIBUTE_RECEIVES_MAX] = dlq ? 2 : 0,
						  [ATTRIBUTE_DEDUP_WINDOW_MS] = 300000}};

	strcpy(recipe.dlq, dlq ? dlq : "");
	cr_assert_eq(seg_create(&queues_directory()->seg, &recipe), 0);
	return queue_again(name);
}

static void set_up(void)
{
	queues_begin();
	fifo_dlq = make_fifo("dlq.fifo", NULL);
	fifo = make_fifo("q.fifo", "dlq.fifo");
	standard = queue_make("standard", NULL);
}

TestSuite(fifo_send, .init = set_up, .fini = queues_end, .timeout = 60);

static void dedup_by_content(struct rlq_queue *queue)
{
	store_seq(&queue->seg->header->attribute[ATTRIBUTE_CONTENT_DEDUP], 1);
}

static int send_with(struct rlq_queue *queue, const char *body, const char *group, const char *dedup_id)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	options.group = group;
	options.dedup_id = dedup_id;
	return rlq_send(queue, body, strlen(body), &options, NULL);
}

static struct rlq_message peek_one(struct rlq_queue *queue)
{
	struct rlq_message message;
	uint64_t cursor = 0;

	cr_assert_eq(rlq_peek(queue, &message, 1, &cursor), 1);
	return message;
}

static void expect_ids(struct rlq_message message, const char *group, const char *dedup_id)
{
	cr_expect_str_eq(message.group, group);
	cr_expect_str_eq(message.dedup_id, dedup_id);
}

Test(fifo_send, shouldNeedAGroupAndAnIdOnFifo)
{
	cr_expect_eq(send_with(fifo, "b", NULL, "id"), RLQ_ENOGROUP);
	cr_expect_eq(rlq_send(fifo, "b", 1, NULL, NULL), RLQ_ENOGROUP);
	cr_expect_eq(send_with(fifo, "b", "", "id"), RLQ_EGROUPID);
	cr_expect_eq(send_with(fifo, "b", "a b", "id"), RLQ_EGROUPID);
	cr_expect_eq(send_with(fifo, "b", "g", NULL), RLQ_ENODEDUP);
	cr_expect_eq(send_with(fifo, "b", "g", "a b"), RLQ_EDEDUPID);
	cr_expect_eq(send_with(fifo, "b", "g", ""), RLQ_EDEDUPID);
	cr_expect_eq(send_with(fifo, "b", "g", "id"), 0);
	cr_expect_eq(stat_of(fifo).visible, 1);
}

Test(fifo_send, shouldTakeAGroupButNoOtherIdOnStandard)
{
	struct rlq_message message;

	cr_expect_eq(send_with(standard, "b", "g", "id"), RLQ_ENOTFIFO);
	cr_expect_eq(send_with(standard, "b", "a b", NULL), RLQ_EGROUPID);
	cr_expect_eq(send_with(standard, "b", "tenant", NULL), 0);
	message = peek_one(standard);
	cr_expect_str_eq(message.group, "tenant");
	message = receive_one(standard);
	cr_expect_str_eq(message.group, "tenant");
	cr_expect_null(message.dedup_id);
	cr_expect_eq(message.sequence, 0);
	cr_expect(body_is(&message, "b"));
}

Test(fifo_send, shouldHaveNoDelayPerMessageOnFifo)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	options.group = "g";
	options.dedup_id = "1";
	options.delay_ms = 1;
	cr_expect_eq(rlq_send(fifo, "b", 1, &options, NULL), RLQ_EDELAY);
	options.delay_ms = -5;
	cr_expect_eq(rlq_send(fifo, "b", 1, &options, NULL), RLQ_EDELAY);
	store_seq(&fifo->seg->header->attribute[ATTRIBUTE_DELAY_MS], 60000);
	options.delay_ms = 0;
	cr_expect_eq(rlq_send(fifo, "b", 1, &options, NULL), 0);
	cr_expect_eq(stat_of(fifo).delayed, 1, "0 does not override the queue's");
}

Test(fifo_send, shouldRefuseTheWholeBatchForAnIdThatIsMissing)
{
	struct rlq_send_entry entries[] = {
		{.body = "1", .body_bytes = 1, .delay_ms = RLQ_DEFAULT, .group = "g", .dedup_id = "1"},
		{.body = "2", .body_bytes = 1, .delay_ms = RLQ_DEFAULT, .group = "g", .dedup_id = NULL},
	};

	cr_expect_eq(rlq_send_batch(fifo, entries, 2, NULL, NULL), RLQ_ENODEDUP);
	entries[1].group = NULL;
	cr_expect_eq(rlq_send_batch(fifo, entries, 2, NULL, NULL), RLQ_ENOGROUP);
	cr_expect_eq(stat_of(fifo).sent, 0);
}

Test(fifo_send, shouldSayMoreThanTheIdOfEach)
{
	struct rlq_send_entry entries[3];
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_message_id ids[3];
	struct rlq_sent sent[3];

	for (int i = 0; i < 3; i++)
		entries[i] = (struct rlq_send_entry){.body = "b", .body_bytes = 1, .delay_ms = RLQ_DEFAULT};
	memset(sent, 0xff, sizeof(sent));
	options.ret_sent = sent;
	cr_assert_eq(rlq_send_batch(standard, entries, 3, &options, ids), 3);
	for (int i = 0; i < 3; i++) {
		cr_expect_eq(memcmp(&sent[i].id, &ids[i], sizeof(ids[i])), 0);
		cr_expect_eq(sent[i].sequence, 0);
		cr_expect_not(sent[i].is_duplicate);
	}
	cr_assert_eq(rlq_send(standard, "b", 1, &options, NULL), 0);
	cr_expect_neq(memcmp(&sent[0].id, &ids[0], sizeof(ids[0])), 0);
}

/* The inline bytes are the links': not even an empty body goes there. */
Test(fifo_send, shouldHaveEveryPayloadInABlock)
{
	static const char *const bodies[] = {
		"", "b", "a body of sixty-four bytes, which would lie in the slot elsewhere......."};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		const struct slot *slot = &fifo->seg->ring[0].slots[i];
		struct rlq_message message;

		cr_assert_eq(send_with(fifo, bodies[i], "group", "id"), 0);
		cr_expect_neq(slot->message.block, 0);
		cr_expect_eq(load_relaxed(&fifo_links(slot)->group),
			     id_group_hash(fifo->seg->incarnation, "group", 5));
		message = receive_one(fifo);
		cr_expect(body_is(&message, bodies[i]));
		expect_ids(message, "group", "id");
	}
	cr_expect_eq(faults_of("q.fifo"), 0);
}

/* The known answers of SHA-256 for no bytes and for "abc"; attributes do not count. */
Test(fifo_send, shouldMakeTheIdOfTheBody)
{
	struct rlq_attribute attribute = {.name = "n", .type = RLQ_STRING, .value = "v", .value_bytes = 1};
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	dedup_by_content(fifo);
	cr_assert_eq(send_with(fifo, "", "g", NULL), 0);
	expect_ids(receive_one(fifo), "g", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	options.group = "g";
	options.attributes = &attribute;
	options.attribute_count = 1;
	cr_assert_eq(rlq_send(fifo, "abc", 3, &options, NULL), 0);
	expect_ids(receive_one(fifo), "g", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	cr_assert_eq(send_with(fifo, "abc", "g", "mine"), 0);
	expect_ids(receive_one(fifo), "g", "mine");
}

static struct id_key key_in(struct rlq_queue *queue, uint32_t slot)
{
	const struct fifo_links *links = fifo_links(&queue->seg->ring[0].slots[slot]);

	return (struct id_key){{load_relaxed(&links->key[0]), load_relaxed(&links->key[1])}};
}

/* Written in place, the body is known only when it is published. */
Test(fifo_send, shouldMakeTheIdOfABodyWrittenInPlace)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_reservation reservations[2];
	struct id_key key;

	dedup_by_content(fifo);
	options.group = "g";
	for (int i = 0; i < 2; i++)
		cr_assert_eq(rlq_reserve(fifo, 3, &options, &reservations[i]), 0);
	memcpy(reservations[0].body, "abc", 3);
	memcpy(reservations[1].body, "xyz", 3);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(rlq_publish(fifo, &reservations[i], NULL), 0);
	expect_ids(receive_one(fifo), "g", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	expect_ids(receive_one(fifo), "g", "3608bca1e44ea6c4d268eb6db02260269892c0b42b86bbf1e77a6fa16c3c9282");
	cr_assert_eq(send_with(fifo, "abc", "g", NULL), 0);
	key = key_in(fifo, 0);
	cr_expect_neq(key.word[0] | key.word[1], 0);
	cr_expect_eq(memcmp(&key, (struct id_key[]){key_in(fifo, 2)}, sizeof(key)), 0, "the same, sent either way");
	options.ret_sent = &(struct rlq_sent){0};
	cr_expect_eq(rlq_reserve(fifo, 3, &options, &reservations[0]), RLQ_EATTRIBUTE);
}

static void use_up(struct rlq_queue *queue)
{
	struct rlq_message message;

	for (int i = 0; i < 2; i++) {
		receive_one(queue);
		time_passes(1000 + LEASE_SLACK_MS);
	}
	cr_assert_eq(receive_now(queue, &message, 1), 0);
}

Test(fifo_send, shouldKeepIdsThroughMovesToTheDlqAndBack)
{
	struct rlq_message message;
	uint64_t moved;

	cr_assert_eq(send_with(fifo, "body", "g", "id"), 0);
	use_up(fifo);
	message = peek_one(fifo_dlq);
	expect_ids(message, "g", "id");
	cr_expect_str_eq(message.dlq_source, "q.fifo");
	cr_assert_eq(rlq_redrive(fifo_dlq, NULL, 0, &moved), 0);
	cr_assert_eq(moved, 1);
	message = receive_one(fifo);
	expect_ids(message, "g", "id");
	cr_expect_null(message.dlq_source);
	cr_expect(body_is(&message, "body"));
	cr_expect_eq(faults_of("q.fifo") + faults_of("dlq.fifo"), 0);
}

Test(fifo_send, shouldMoveOnlyToAQueueOfItsType)
{
	uint64_t moved;

	cr_assert_eq(send_with(fifo, "body", "g", "id"), 0);
	send_text(standard, "body");
	cr_expect_eq(rlq_redrive(fifo, "standard", 0, &moved), RLQ_ETYPE);
	cr_expect_eq(rlq_redrive(standard, "q.fifo", 0, &moved), RLQ_ETYPE);
	cr_expect_eq(stat_of(fifo).visible + stat_of(standard).visible, 2);
}

Test(fifo_send, shouldTakeAttemptIdsOnFifoOnly)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message message;

	options.attempt_id = "attempt";
	cr_expect_eq(rlq_receive(standard, &message, 1, &options), RLQ_ENOTFIFO);
	cr_expect_eq(rlq_receive(fifo, &message, 1, &options), 0);
	options.attempt_id = "an attempt";
	cr_expect_eq(rlq_receive(fifo, &message, 1, &options), RLQ_EDEDUPID);
}

static int create(const char *name, const struct rlq_queue_attributes *attributes)
{
	return rlq_queue_create(queues_directory(), name, attributes);
}

Test(fifo_send, shouldHaveTheTypeThatItsNameSays)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	cr_expect_eq(create("other.fifo", &attributes), RLQ_ENAME);
	attributes.type = RLQ_FIFO;
	cr_expect_eq(create("other", &attributes), RLQ_ENAME);
	attributes.type = RLQ_FIFO + 1;
	cr_expect_eq(create("other.fifo", &attributes), RLQ_EATTRIBUTE);
}

Test(fifo_send, shouldHaveADlqOfItsType)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.receives_max = 1;
	strcpy(attributes.dlq, "dlq.fifo");
	cr_expect_eq(create("other", &attributes), RLQ_ETYPE);
	cr_expect_eq(rlq_queue_set_attributes(standard, &attributes), RLQ_ETYPE);
	cr_assert_eq(rlq_queue_get_attributes(fifo, &attributes), 0);
	strcpy(attributes.dlq, "standard");
	cr_expect_eq(rlq_queue_set_attributes(fifo, &attributes), RLQ_ETYPE);
}

Test(fifo_send, shouldBeInMemoryOnly)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.type = RLQ_FIFO;
	attributes.durability = RLQ_SYNC;
	cr_expect_eq(create("other.fifo", &attributes), RLQ_EFIFOMEMORY);
	attributes.durability = RLQ_ASYNC;
	cr_expect_eq(create("other.fifo", &attributes), RLQ_EFIFOMEMORY);
}

/* What a standard queue has not is an error there, not ignored. */
Test(fifo_send, shouldHaveDeduplicationOnFifoOnly)
{
	const struct rlq_queue_attributes defaults = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue_attributes wrong[4] = {defaults, defaults, defaults, defaults}, have = defaults;

	wrong[0].content_dedup = true;
	wrong[1].dedup_scope = RLQ_DEDUP_GROUP;
	wrong[2].dedup_window_ms++;
	wrong[3].dedup_max++;
	for (int i = 0; i < 4; i++) {
		cr_expect_eq(create("other", &wrong[i]), RLQ_ENOTFIFO, "%d", i);
		cr_expect_eq(rlq_queue_set_attributes(standard, &wrong[i]), RLQ_ENOTFIFO, "%d", i);
	}
	cr_assert_eq(rlq_queue_get_attributes(standard, &have), 0);
	cr_expect_eq(have.type, RLQ_STANDARD);
	cr_expect_eq(have.dedup_window_ms, defaults.dedup_window_ms);
	cr_expect_eq(have.dedup_max, defaults.dedup_max);
}

Test(fifo_send, shouldChangeWhatCanBeChanged)
{
	struct rlq_queue_attributes have = RLQ_QUEUE_ATTRIBUTES_INIT, wanted;

	cr_assert_eq(rlq_queue_get_attributes(fifo, &have), 0);
	cr_expect_eq(have.type, RLQ_FIFO);
	cr_expect_eq(have.dedup_max, 1000);
	cr_expect_eq(have.dedup_window_ms, 300000);
	wanted = have;
	wanted.content_dedup = true;
	wanted.dedup_scope = RLQ_DEDUP_GROUP;
	wanted.dedup_window_ms = 1000;
	cr_assert_eq(rlq_queue_set_attributes(fifo, &wanted), 0);
	cr_assert_eq(rlq_queue_get_attributes(fifo, &have), 0);
	cr_expect(have.content_dedup);
	cr_expect_eq(have.dedup_scope, RLQ_DEDUP_GROUP);
	cr_expect_eq(have.dedup_window_ms, 1000);
	wanted.dedup_max++;
	cr_expect_eq(rlq_queue_set_attributes(fifo, &wanted), RLQ_EATTRIBUTE);
	wanted.dedup_max--;
	wanted.type = RLQ_STANDARD;
	cr_expect_neq(rlq_queue_set_attributes(fifo, &wanted), 0);
	wanted.type = RLQ_FIFO;
	wanted.dedup_window_ms = RLQ_DEDUP_WINDOW_MIN_MS - 1;
	cr_expect_eq(rlq_queue_set_attributes(fifo, &wanted), RLQ_EATTRIBUTE);
	wanted.dedup_window_ms = RLQ_DEDUP_WINDOW_MAX_MS + 1;
	cr_expect_eq(rlq_queue_set_attributes(fifo, &wanted), RLQ_EATTRIBUTE);
}

/* By scope, what is a duplicate of what: in all of the queue, or in its group. */
Test(fifo_send, shouldMixTheGroupIntoTheKeyByScope)
{
	struct id_key key[4];

	for (uint32_t i = 0; i < 4; i++) {
		store_seq(&fifo->seg->header->attribute[ATTRIBUTE_DEDUP_SCOPE], i / 2);
		cr_assert_eq(send_with(fifo, "b", i % 2 ? "g" : "h", "id"), 0);
		key[i] = key_in(fifo, i);
	}
	cr_expect_eq(memcmp(&key[0], &key[1], sizeof(key[0])), 0);
	cr_expect_neq(memcmp(&key[2], &key[3], sizeof(key[2])), 0);
	cr_expect_neq(memcmp(&key[0], &key[2], sizeof(key[0])), 0);
}

/* Code that knows no FIFO queues must not open one. */
Test(fifo_send, shouldSayInTheSegmentWhatAReaderMustKnow)
{
	struct seg_identity identity = fifo->seg->header->identity;
	unsigned char *boot = identity.boot_id;

	cr_expect_eq(identity.features, SEG_FEATURE_FIFO);
	cr_expect_eq(standard->seg->header->identity.features, 0);
	cr_expect_eq(seg_check_identity(&identity, &identity, SEG_FILE_BYTES, boot), 0);
	identity.features = 0;
	cr_expect_eq(seg_check_identity(&identity, &identity, SEG_FILE_BYTES, boot), RLQ_EDAMAGED);
	identity.features = SEG_FEATURE_FIFO << 1;
	cr_expect_eq(seg_check_identity(&identity, &identity, SEG_FILE_BYTES, boot), RLQ_EVERSION);
	identity.features = SEG_FEATURE_FIFO;
	identity.dedup_max = 0;
	cr_expect_eq(seg_check_identity(&identity, &identity, SEG_FILE_BYTES, boot), RLQ_EDAMAGED);
}
