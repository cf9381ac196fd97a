/* A `sync` queue and an engine in a process of its own. */
#include "bench/peers/peer.h"
#include "bench/queue.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY = 1000000 };

struct client {
	struct opened opened;
	struct rlq_receipt held[PEER_BATCH_MAX];
	uint32_t held_count;
};

static struct place place;

static const char *start(void)
{
	place_open_durable(&place);
	place_queue_durable(&place, "cycle", CAPACITY, RLQ_SYNC);
	return NULL;
}

static void *open_client(uint32_t number)
{
	struct client *client = calloc(1, sizeof(*client));

	(void)number;
	if (!client)
		peer_fail("ringlease: no memory");
	client->opened = queue_open(NULL, &place, "cycle");
	return client;
}

static void close_client(void *context)
{
	struct client *client = context;

	queue_close(&client->opened);
	free(client);
}

static void send_all(void *context, const struct bodies *bodies)
{
	struct client *client = context;
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	struct rlq_send_entry entries[PEER_BATCH_MAX];

	options.flags = RLQ_SEND_WAIT;
	options.timeout_ms = PEER_PATIENCE_S * 1000;
	if (bodies->count == 1) {
		must(NULL, rlq_send(client->opened.queue, bodies->at, bodies->bytes, &options, NULL), "send");
		return;
	}
	for (uint32_t i = 0; i < bodies->count; i++)
		entries[i] = (struct rlq_send_entry){.body = bodies->at + (size_t)i * bodies->bytes,
						     .body_bytes = bodies->bytes,
						     .delay_ms = RLQ_DEFAULT};
	for (uint32_t done = 0; done < bodies->count;)
		done += (uint32_t)must(NULL,
				       rlq_send_batch(client->opened.queue, entries + done, bodies->count - done,
						      &options, NULL),
				       "send");
}

static uint32_t take(struct client *client, uint32_t max, int64_t wait_ms, uint64_t *sum)
{
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;
	struct rlq_message messages[PEER_BATCH_MAX];
	int got;

	options.wait_ms = wait_ms;
	got = must(NULL, rlq_receive(client->opened.queue, messages, max, &options), "receive");
	for (int i = 0; i < got; i++) {
		*sum += body_number(messages[i].body, messages[i].body_bytes);
		client->held[i] = messages[i].receipt;
	}
	client->held_count = (uint32_t)got;
	return client->held_count;
}

static uint32_t receive(void *context, uint32_t max, uint64_t *sum)
{
	return take(context, max, PEER_WAIT_MS, sum);
}

static uint32_t turn(void *context, uint32_t max, uint64_t *sum)
{
	struct client *client = context;
	int deleted = client->held_count == 1
			      ? rlq_delete(client->opened.queue, &client->held[0]) == 0
			      : rlq_delete_batch(client->opened.queue, client->held, client->held_count, NULL);

	if (deleted != (int)client->held_count)
		peer_fail("ringlease: %d of %u messages deleted", deleted, client->held_count);
	return max > 0 ? take(client, max, 0, sum) : 0;
}

const struct peer peer_ringlease = {
	.name = "ringlease",
	.start = start,
	.open = open_client,
	.close = close_client,
	.send = send_all,
	.receive = receive,
	.turn = turn,
};
