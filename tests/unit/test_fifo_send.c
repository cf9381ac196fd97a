/* Ids of what is sent: where they, the payload and the keys made of them lie. The rules are in
 * tests/semantics/sqs_fifo_input. */
#include "client/internal.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct rlq_queue *fifo, *standard;

static void set_up(void)
{
	queues_begin();
	fifo = fifo_make("q.fifo", NULL, true);
	standard = queue_make("standard", NULL);
}

TestSuite(fifo_send, .init = set_up, .fini = queues_end, .timeout = 60);

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define XYZ "3608bca1e44ea6c4d268eb6db02260269892c0b42b86bbf1e77a6fa16c3c9282"

static struct rlq_send_options with_ids(const char *group, const char *dedup_id)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	options.group = group;
	options.dedup_id = dedup_id;
	return options;
}

static struct id_key key_of(const struct slot *slot)
{
	const struct fifo_links *links = fifo_links(slot);

	return (struct id_key){{load_relaxed(&links->key[0]), load_relaxed(&links->key[1])}};
}

static bool is_key(struct id_key key, const char *group, const char *dedup_id)
{
	struct id_key wanted =
		id_dedup_key(fifo->seg->incarnation, group, group ? strlen(group) : 0, dedup_id, strlen(dedup_id));

	return memcmp(&key, &wanted, sizeof(key)) == 0;
}

static const struct slot *slot_of(const struct rlq_reservation *reservation)
{
	return &fifo->seg->ring[0].slots[(uint32_t)reservation->opaque[0]];
}

/* The inline bytes are the links': a small payload, ids included, has the slot's cell, a larger one a block. */
Test(fifo_send, shouldHaveEveryPayloadInACellOrABlock)
{
	enum { FITS = SLOT_BYTES - 2 * (8 + 1) };
	static const uint32_t bytes[] = {0, 1, FITS, FITS + 1};
	static const char *const groups[] = {"0", "1", "2", "3"};
	char body[FITS + 2] = {0};

	for (uint32_t i = 0; i < 4; i++) {
		struct rlq_send_options options = with_ids(groups[i], groups[i]);
		const struct slot *slot = &fifo->seg->ring[0].slots[i];
		struct rlq_message message;

		memset(body, 'a' + (int)i, bytes[i]);
		cr_assert_eq(rlq_send(fifo, body, bytes[i], &options, NULL), 0);
		cr_expect_eq(slot->message.block != 0, bytes[i] > FITS);
		cr_expect_eq(load_relaxed(&fifo_links(slot)->group),
			     id_group_hash(fifo->seg->incarnation, groups[i], 1));
		message = receive_one(fifo);
		cr_expect(body_is(&message, body));
		cr_expect_str_eq(message.group, groups[i]);
		cr_expect_str_eq(message.dedup_id, groups[i]);
	}
	cr_expect_eq(faults_of("q.fifo"), 0);
}

Test(fifo_send, shouldGiveTheCellsOfARingBackWithIt)
{
	enum { MANY = 950 }; /* 7/8 of the first ring are 896 */
	off_t first_ring_end = (off_t)(SEG_CELLS + SEG_RING_REGION);

	for (int i = 0; i < MANY; i++) {
		char id[8];
		struct rlq_send_options options = with_ids("g", id);

		snprintf(id, sizeof(id), "%d", i);
		cr_assert_eq(rlq_send(fifo, "body", 4, &options, NULL), 0);
	}
	cr_assert_lt(lseek(fifo->seg->fd, (off_t)SEG_CELLS, SEEK_DATA), first_ring_end);
	for (int i = 0; i < MANY; i++) {
		struct rlq_message message = receive_one(fifo);

		cr_assert_eq(rlq_delete(fifo, &message.receipt), 0);
	}
	for (int i = 0; i < 4; i++)
		sweep_now(fifo);
	cr_assert_eq(rings_at(load_relaxed(&fifo->seg->header->rings), 0), 1, "the first ring has gone");
	cr_expect_geq(lseek(fifo->seg->fd, (off_t)SEG_CELLS, SEEK_DATA), first_ring_end);
}

/* As groups do that come and go. */
static void wear_out(const struct group_table *table)
{
	for (uint32_t i = 0; i < UINT32_C(1) << table->order; i++)
		store_relaxed(&table->cells[i].high, GROUP_SEALED);
}

Test(fifo_send, shouldReplaceAWornTableOfGroupsByOneForWhatLives)
{
	char id[8];

	for (int i = 0; i < 8; i++) {
		struct rlq_send_options options = with_ids("g", id);
		const struct groups *groups = &fifo->seg->groups;
		struct rlq_message message;

		wear_out(&groups->table[groups->table_count - 1]);
		snprintf(id, sizeof(id), "%d", i);
		cr_assert_eq(rlq_send(fifo, "body", 4, &options, NULL), 0);
		cr_expect_leq(groups->table[groups->table_count - 1].order, TABLE_ORDER_FIRST + 2);
		message = receive_one(fifo);
		cr_assert_eq(rlq_delete(fifo, &message.receipt), 0);
		for (int sweeps = 0; sweeps < 4; sweeps++)
			sweep_now(fifo);
	}
	cr_expect_eq(faults_of("q.fifo"), 0);
}

/* Written in place, the body is known only when it is published; meanwhile others are sent by the handle. */
Test(fifo_send, shouldMakeTheIdOfABodyWrittenInPlace)
{
	struct rlq_send_options options[] = {with_ids("0", NULL), with_ids("1", NULL)};
	struct rlq_reservation reservation[2];
	const struct slot *slot[2];
	struct rlq_message message;

	for (int i = 0; i < 2; i++) {
		cr_assert_eq(rlq_reserve(fifo, 3, &options[i], &reservation[i]), 0);
		slot[i] = slot_of(&reservation[i]);
	}
	memcpy(reservation[0].body, "abc", 3);
	memcpy(reservation[1].body, "xyz", 3);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(rlq_publish(fifo, &reservation[i], NULL), 0);
	cr_expect(is_key(key_of(slot[0]), NULL, ABC));
	cr_expect(is_key(key_of(slot[1]), NULL, XYZ));
	message = receive_one(fifo);
	cr_expect_str_eq(message.dedup_id, ABC);
	message = receive_one(fifo);
	cr_expect_str_eq(message.dedup_id, XYZ);
}

Test(fifo_send, shouldKeepTheIdThatAReservationWasMadeWith)
{
	struct rlq_send_options options = with_ids("g", "mine");
	struct rlq_reservation reservation;
	const struct slot *slot;

	cr_assert_eq(rlq_reserve(fifo, 3, &options, &reservation), 0);
	slot = slot_of(&reservation);
	cr_expect(is_key(key_of(slot), NULL, "mine"));
	memcpy(reservation.body, "abc", 3);
	cr_assert_eq(rlq_publish(fifo, &reservation, NULL), 0);
	cr_expect(is_key(key_of(slot), NULL, "mine"));
	cr_expect_str_eq(receive_one(fifo).dedup_id, "mine");
}

/* What a reservation would be told is not known yet. */
Test(fifo_send, shouldNotPromiseToSayMoreOfAReservation)
{
	struct rlq_send_options options = with_ids("g", NULL);
	struct rlq_reservation reservation;
	struct rlq_sent sent;

	options.ret_sent = &sent;
	cr_expect_eq(rlq_reserve(fifo, 3, &options, &reservation), RLQ_EATTRIBUTE);
}

/* By scope, what is a duplicate of what: in all of the queue, or in its group. */
Test(fifo_send, shouldMixTheGroupIntoTheKeyByScope)
{
	for (uint32_t scope = RLQ_DEDUP_QUEUE; scope <= RLQ_DEDUP_GROUP; scope++) {
		struct rlq_send_options options = with_ids("g", "id");
		struct rlq_reservation reservation;

		store_seq(&fifo->seg->header->attribute[ATTRIBUTE_DEDUP_SCOPE], scope);
		cr_assert_eq(rlq_reserve(fifo, 3, &options, &reservation), 0);
		cr_expect(is_key(key_of(slot_of(&reservation)), scope == RLQ_DEDUP_GROUP ? "g" : NULL, "id"));
		cr_assert_eq(rlq_abandon(fifo, &reservation), 0);
	}
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

/* A body of 64 MiB has its ids beside it; and a limit of the queue that is none lets nothing through that has no
 * block. */
Test(fifo_send, shouldRefuseABodyOverTheLargest)
{
	static char value[70000];
	struct rlq_attribute attribute = {
		.name = "n", .type = RLQ_BINARY, .value = value, .value_bytes = sizeof(value)};
	struct rlq_send_options options = with_ids("g", "id");
	struct rlq_reservation reservation;
	int error;

	store_seq(&fifo->seg->header->attribute[ATTRIBUTE_BYTES_MAX], UINT64_MAX);
	error = rlq_reserve(fifo, RLQ_BODY_MAX, &options, &reservation);
	if (error)
		cr_assert_eq(error, RLQ_ENOSPACE, "allowed, but the tmpfs is small");
	else
		cr_assert_eq(rlq_abandon(fifo, &reservation), 0);
	cr_expect_eq(rlq_reserve(fifo, RLQ_BODY_MAX + 1, &options, &reservation), RLQ_ETOOBIG);
	options.attributes = &attribute;
	options.attribute_count = 1;
	cr_expect_eq(rlq_reserve(fifo, RLQ_BODY_MAX, &options, &reservation), RLQ_ETOOBIG);
	cr_expect_eq(stat_of(fifo).visible, 0);
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
