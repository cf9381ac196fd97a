#include "tests/support/segment_play.h"

#include "client/internal.h"
#include "shm/extents.h"
#include "tests/support/queue_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RECEIPTS = 16,
	LARGE = 20000,
	CODES_END = -3000,
	HEAD = 12,	   /* of a body: number, length, checksum */
	MANY = 1000,	   /* messages that make a second ring */
	ROWS_FLIPPED = 16, /* those that have memory at first */
};

struct play {
	const uint8_t *at, *end;
	struct rlq_queue *queue[2], *dlq;
	struct rlq_receipt receipt[RECEIPTS];
	uint32_t received;
	uint32_t numbers; /* of bodies written so far */
	uint64_t flips;
	unsigned char *flipped, bit; /* the last one */
	/* No flip hits a message itself, its lengths or its body: then what is received must be whole. The
	 * bytes of a message are the application's, and have no checksum of ours. */
	bool spares_messages;
};

static unsigned char body[LARGE];

/* ---- bodies ----------------------------------------------------------------------------------- */

static uint32_t checksum(const unsigned char *bytes, size_t count)
{
	uint32_t sum = 2166136261;

	for (size_t i = 0; i < count; i++)
		sum = (sum ^ bytes[i]) * 16777619;
	return sum;
}

/* A body that says which it is, and is right only as a whole. */
static void write_body(struct play *play, unsigned char *at, uint32_t bytes)
{
	uint32_t head[3] = {++play->numbers, bytes, 0};

	for (uint32_t i = HEAD; i < bytes; i++)
		at[i] = (unsigned char)(head[0] * 31 + i);
	head[2] = checksum(at + HEAD, bytes - HEAD) ^ head[0];
	memcpy(at, head, HEAD);
}

/* Is it the whole body of one message that was written? */
static bool is_whole(const struct play *play, const struct rlq_message *message)
{
	const unsigned char *at = message->body;
	uint32_t head[3];

	/* A slot never used that a flip has made READY. */
	if (message->body_bytes == 0 && message->id.word[0] == 0 && message->id.word[1] == 0)
		return true;
	if (message->body_bytes < HEAD)
		return false;
	memcpy(head, at, HEAD);
	return head[0] >= 1 && head[0] <= play->numbers && head[1] == message->body_bytes &&
	       head[2] == (checksum(at + HEAD, head[1] - HEAD) ^ head[0]);
}

static uint32_t next(struct play *play, uint32_t below)
{
	uint32_t value = 0;

	for (uint32_t rest = below - 1; rest > 0; rest >>= 8)
		value = value << 8 | (play->at < play->end ? *play->at++ : 0);
	return value % below;
}

/* A code must be one, a count within its bounds. */
static int answer(int result, int max, const char *call)
{
	if (result > max || result < CODES_END ||
	    (result < 0 && strcmp(rlq_strerror(result), "unknown error") == 0)) {
		fprintf(stderr, "%s answered %d\n", call, result);
		abort();
	}
	return result;
}

static volatile unsigned looked_at;

/* Reads all that a message points to. */
static void look_at_message(const struct play *play, const struct rlq_message *message)
{
	unsigned sum = 0;

	if (play->spares_messages && !is_whole(play, message)) {
		struct receipt_parts parts;
		uint32_t head[3] = {0};

		receipt_unpack(&message->receipt, &parts);
		memcpy(head, message->body, message->body_bytes < HEAD ? message->body_bytes : HEAD);
		fprintf(stderr,
			"ring %u slot %u, generation %llu: a message of %zu bytes is none that was sent; it says "
			"%u of %u, %u bytes; after %llu flips\n",
			parts.ring, parts.slot, (unsigned long long)parts.generation, message->body_bytes, head[0],
			play->numbers, head[1], (unsigned long long)play->flips);
		abort();
	}

	if (message->body_bytes > body_bytes_max() || message->attribute_count > RLQ_ATTRIBUTES_MAX)
		abort();
	for (size_t i = 0; i < message->body_bytes; i++)
		sum += ((const unsigned char *)message->body)[i];
	for (uint32_t i = 0; i < message->attribute_count; i++) {
		const struct rlq_attribute *attribute = &message->attributes[i];

		sum += (unsigned)(strlen(attribute->name) + strlen(attribute->type_label));
		for (uint32_t at = 0; at < attribute->value_bytes; at++)
			sum += ((const unsigned char *)attribute->value)[at];
	}
	if (message->dlq_source)
		sum += (unsigned)strlen(message->dlq_source);
	if (message->trace)
		sum += (unsigned)strlen(message->trace);
	looked_at = sum;
}

/* ---- flips ------------------------------------------------------------------------------------ */

/* Bytes of a region of bodies: the words that say whose a block is, the hints, the bodies. */
static unsigned char *byte_of_bodies(struct play *play, struct segment *segment)
{
	struct body_region *region = region_open(segment, next(play, 8));

	if (region == NULL || region_look(region) != 0 || region->backed == 0)
		return NULL;
	switch (next(play, play->spares_messages ? 3 : 4)) {
	case 0:
		return (unsigned char *)region->free.level[0] + next(play, 64);
	case 3:
		return region->data + next(play, LARGE);
	default:
		return (unsigned char *)&region->table[next(play, 512)] + next(play, 8);
	}
}

/* Of any of the listed rings: a slot's word, the message in it, or what lies behind the slots: bits of what
 * came back and of what is kept, and when something is due. */
static unsigned char *byte_of_ring(struct play *play, struct segment *segment)
{
	const struct ring *ring = &segment->ring[rings_at(segment->rings, next(play, rings_count(segment->rings)))];
	size_t slots = (size_t)ring_slot_count(ring) * SLOT_BYTES;
	unsigned char *base = (unsigned char *)ring->slots;
	uint32_t slot = next(play, next(play, 2) ? 64 : ring_slot_count(ring));

	switch (next(play, 4)) {
	case 0:
		return base + slots + next(play, (uint32_t)(ring_bytes(ring->order, ring_has_marks(ring)) - slots));
	case 1:
		if (!play->spares_messages)
			return base + slot * SLOT_BYTES + next(play, SLOT_BYTES);
		/* fallthrough */
	default:
		return base + slot * SLOT_BYTES + next(play, sizeof(struct word128));
	}
}

/* A byte of the segment that has memory. */
static unsigned char *byte_of(struct play *play)
{
	struct segment *segment = play->queue[0]->seg;
	unsigned char *byte = NULL;

	switch (next(play, 8)) {
	case 0:
		return segment->base + next(play, sizeof(struct seg_header));
	case 1: /* its busiest words: ends, list of rings, regions, counts */
		return (unsigned char *)&segment->header->rings +
		       next(play, (uint32_t)((unsigned char *)&segment->header->ends[2] -
					     (unsigned char *)&segment->header->rings));
	case 2:
		return segment->base + SEG_ROWS + next(play, ROWS_FLIPPED * sizeof(struct seg_row));
	case 3:
		byte = byte_of_bodies(play, segment);
		break;
	default:
		break;
	}
	return byte ? byte : byte_of_ring(play, segment);
}

static void flip(struct play *play)
{
	/* Every other one is put right again after some calls, so that the queue stays alive. */
	if (play->flipped && next(play, 2)) {
		*play->flipped ^= play->bit;
		play->flipped = NULL;
		return;
	}
	play->flipped = byte_of(play);
	play->bit = (unsigned char)(1 << next(play, 8));
	*play->flipped ^= play->bit;
	play->flips++;
}

/* ---- calls ------------------------------------------------------------------------------------ */

static void play_send(struct play *play, struct rlq_queue *queue)
{
	struct rlq_attribute attribute = {.name = "n", .type = RLQ_STRING, .value = "value", .value_bytes = 5};
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_reservation reservation;
	size_t bytes = HEAD + (next(play, 4) ? next(play, 100) : next(play, LARGE - HEAD));

	options.attributes = &attribute;
	options.attribute_count = next(play, 2);
	options.trace = next(play, 4) ? NULL : "trace";
	if (next(play, 3) == 0)
		options.delay_ms = next(play, 5000);
	write_body(play, body, (uint32_t)bytes);
	if (next(play, 4)) {
		answer(rlq_send(queue, body, bytes, &options, NULL), 0, "send");
	} else if (answer(rlq_reserve(queue, bytes, &options, &reservation), 0, "reserve") == 0) {
		memcpy(reservation.body, body, bytes);
		answer(next(play, 2) ? rlq_publish(queue, &reservation, NULL) : rlq_abandon(queue, &reservation), 0,
		       "publish");
	}
}

static void play_receive(struct play *play, struct rlq_queue *queue)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message messages[10];
	int count;

	options.wait_ms = 0;
	options.visibility_ms = next(play, 2) ? RLQ_DEFAULT : (int64_t)next(play, 3000);
	options.flags = next(play, 4) == 0 ? RLQ_RECEIVE_IN_PLACE : 0;
	count = answer(rlq_receive(queue, messages, 1 + next(play, 10), &options), 10, "receive");
	for (int i = 0; i < count; i++) {
		look_at_message(play, &messages[i]);
		play->receipt[play->received++ % RECEIPTS] = messages[i].receipt;
		if (messages[i].in_place)
			answer(rlq_let_go(queue, &messages[i]), 0, "let_go");
	}
}

static void play_receipt(struct play *play, struct rlq_queue *queue)
{
	const struct rlq_receipt *receipt = &play->receipt[next(play, RECEIPTS)];

	switch (next(play, 4)) {
	case 0:
		answer(rlq_extend(queue, receipt, next(play, 3) * 1000), 0, "extend");
		break;
	case 1:
		answer(rlq_release(queue, receipt, next(play, 3) * 1000), 0, "release");
		break;
	default:
		answer(rlq_delete(queue, receipt), 0, "delete");
	}
}

static void ignore(void *context, const char *text)
{
	(void)context;
	if (text == NULL || text[0] == '\0')
		abort();
}

static void play_rare(struct play *play, struct rlq_queue *queue)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_message messages[4];
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;
	struct rlq_queue *opened;
	uint64_t cursor = 0;
	int count;

	switch (next(play, 8)) {
	case 0:
		answer(rlq_queue_stat(queue, &stat), 0, "stat");
		break;
	case 1:
		count = answer(rlq_peek(queue, messages, 4, &cursor), 4, "peek");
		for (int i = 0; i < count; i++)
			look_at_message(play, &messages[i]);
		break;
	case 2:
		answer(rlq_verify(queues_directory(), "q", ignore, NULL), 1 << 30, "verify");
		break;
	case 3:
		if (answer(rlq_queue_open(queues_directory(), "q", &opened), 0, "open") == 0)
			rlq_queue_close(opened);
		break;
	case 4:
		if (answer(rlq_queue_get_attributes(queue, &attributes), 0, "get_attributes") == 0)
			answer(rlq_queue_set_attributes(queue, &attributes), 0, "set_attributes");
		break;
	case 5:
		answer(rlq_redrive(play->dlq, next(play, 2) ? "q" : NULL, 0, NULL), 0, "redrive");
		break;
	case 6:
		if (next(play, 8) == 0)
			answer(rlq_purge(queue, NULL), 0, "purge");
		break;
	default:
		/* A flipped time to wait is refused, unless it could be one: nobody moves the clock then. */
		if (seg_attribute(queue->seg, ATTRIBUTE_WAIT_MS) - 1 >= 20000)
			answer(rlq_receive(queue, messages, 1, NULL), 1, "receive as the queue says");
	}
}

static void play_time(struct play *play, struct rlq_queue *queue)
{
	struct sweep sweep = {0};

	time_passes(next(play, 4000));
	/* A sweep that does not end is a hang: the watchdog sees it. */
	while (next(play, 2) && seg_sweep_step(queue->seg, &sweep, 4096))
		;
}

static void play_all(struct play *play)
{
	while (play->at < play->end) {
		struct rlq_queue *queue = play->queue[next(play, 2)];

		switch (next(play, 12)) {
		case 0:
		case 1:
			play_send(play, queue);
			break;
		case 2:
		case 3:
			play_receive(play, queue);
			break;
		case 4:
			play_receipt(play, queue);
			break;
		case 5:
			play_rare(play, queue);
			break;
		case 6:
			play_time(play, queue);
			break;
		default:
			flip(play);
		}
	}
}

/* What is there before the first flip. */
static void play_first(struct play *play, int count)
{
	for (int i = 0; i < count; i++) {
		uint32_t bytes = HEAD + (uint32_t)(i % 8 == 0 ? 3000 : i % 80);

		write_body(play, body, bytes);
		answer(rlq_send(play->queue[0], body, bytes, NULL, NULL), 0, "send");
	}
}

uint64_t segment_play(const uint8_t *bytes, size_t count)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct play play = {.at = bytes, .end = bytes + count};

	queues_begin();
	play.dlq = queue_make("dlq", NULL);
	attributes.capacity = 3000;
	attributes.visibility_ms = 1000;
	attributes.receives_max = 3;
	strcpy(attributes.dlq, "dlq");
	play.queue[0] = queue_make("q", &attributes);
	play.queue[1] = queue_again("q");
	play.spares_messages = next(&play, 4) != 0;
	play_first(&play, next(&play, 4) == 0 ? MANY : 40);
	play_all(&play);
	queues_end();
	return play.flips;
}
