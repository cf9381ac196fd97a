#include "bench/peers/traffic.h"

#include "bench/team.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBERS = TRAFFIC_PRODUCERS + TRAFFIC_CONSUMERS };

struct run {
	const struct peer *peer;
	const struct traffic *traffic;
	pthread_barrier_t ready; /* all have connected */
	double end;
	_Atomic uint32_t producing;
	_Atomic uint64_t sent, sent_sum, deleted, received_sum;
};

struct member {
	pthread_t thread;
	struct run *run;
	uint32_t number;
	double last; /* its last message was deleted */
};

/* ---- producers -------------------------------------------------------------------------------- */

static void produce(struct member *member, void *client)
{
	struct run *run = member->run;
	uint32_t batch = run->traffic->batch, bytes = run->traffic->body_bytes;
	unsigned char *at = calloc(batch, bytes);
	struct bodies bodies = {.count = batch, .bytes = bytes, .at = at};
	uint64_t next = (uint64_t)member->number << 40, sum = 0, sent = 0;

	while (at && seconds_now() < run->end) {
		for (uint32_t i = 0; i < batch; i++) {
			memcpy(at + (size_t)i * bytes, &next, sizeof(next));
			sum += next++;
		}
		run->peer->send(client, &bodies);
		sent += batch;
	}
	free(at);
	run->sent += sent;
	run->sent_sum += sum;
	run->producing--;
}

/* ---- consumers -------------------------------------------------------------------------------- */

static bool is_over(const struct run *run)
{
	return run->producing == 0 && run->deleted >= run->sent;
}

static void consume(struct member *member, void *client)
{
	struct run *run = member->run;
	const struct peer *peer = run->peer;
	uint32_t batch = run->traffic->batch, held = 0;
	double patience = seconds_now() + run->traffic->seconds + PEER_PATIENCE_S;
	uint64_t sum = 0;

	while (!is_over(run)) {
		uint32_t deleted = held;

		if (held == 0) {
			held = peer->receive(client, batch, &sum);
			if (held == 0 && seconds_now() > patience)
				peer_fail("%s: messages are lost", peer->name);
			continue;
		}
		held = peer->turn(client, run->traffic->is_shared ? batch : 0, &sum);
		member->last = seconds_now();
		run->deleted += deleted;
	}
	run->received_sum += sum;
}

/* ---- a run ------------------------------------------------------------------------------------ */

static void *play(void *context)
{
	struct member *member = context;
	struct run *run = member->run;
	void *client = run->peer->open(member->number);

	pthread_barrier_wait(&run->ready);
	pthread_barrier_wait(&run->ready); /* the end is known */
	if (member->number < TRAFFIC_PRODUCERS)
		produce(member, client);
	else
		consume(member, client);
	run->peer->close(client);
	return NULL;
}

double traffic_run(const struct peer *peer, const struct traffic *traffic)
{
	struct run run = {.peer = peer, .traffic = traffic, .producing = TRAFFIC_PRODUCERS};
	struct member members[MEMBERS];
	double start, last = 0;

	if (peer->rest)
		peer->rest();
	pthread_barrier_init(&run.ready, NULL, MEMBERS + 1);
	for (uint32_t i = 0; i < MEMBERS; i++) {
		members[i] = (struct member){.run = &run, .number = i};
		if (pthread_create(&members[i].thread, NULL, play, &members[i]) != 0)
			peer_fail("%s: no thread", peer->name);
	}
	pthread_barrier_wait(&run.ready);
	start = seconds_now();
	run.end = start + traffic->seconds;
	pthread_barrier_wait(&run.ready);
	for (uint32_t i = 0; i < MEMBERS; i++) {
		pthread_join(members[i].thread, NULL);
		last = members[i].last > last ? members[i].last : last;
	}
	pthread_barrier_destroy(&run.ready);
	if (run.deleted != run.sent || run.received_sum != run.sent_sum)
		peer_fail("%s: messages were lost or doubled", peer->name);
	return (double)run.sent / (last - start);
}
