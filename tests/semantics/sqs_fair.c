/* Fair queues: a tenant with a large backlog, or slow processing, does not make the others wait. Tenants are group
 * ids on a standard queue. */
#include "client/internal.h"
#include "shm/tenants.h"
#include "tests/support/cases.h"
#include "tests/support/queue_fixture.h"

#include <stdio.h>
#include <string.h>

enum { BACKLOG = 50000, TENANTS = 100, BATCH = 10, TURNS = 8, GROUP_BYTES = 32 };

static struct rlq_queue *queue;
static struct rlq_message messages[BATCH];

/* Names of tenants: those of different numbers share nothing. `lanes_differ`: nor a lane while they are noisy. */
static char names[TENANTS][GROUP_BYTES];

static uint32_t number_of(const char *name)
{
	return seg_tenant_of(queue->seg, name, strlen(name));
}

static bool is_alone(const char *name, unsigned before)
{
	for (unsigned i = 0; i < before; i++)
		if (number_of(names[i]) % RING_LANES == number_of(name) % RING_LANES &&
		    (before <= 2 || number_of(names[i]) == number_of(name)))
			return false;
	return true;
}

static void begin(void)
{
	unsigned draw = 0;

	queues_begin();
	queue = queue_make("q", NULL);
	for (unsigned i = 0; i < TENANTS; i++)
		do
			snprintf(names[i], sizeof(names[i]), "tenant-%u", draw++);
		while (!is_alone(names[i], i));
}

#define NOISY names[0]
#define NOISY_TOO names[1]
#define QUIET(i) names[2 + (i)]

/* Bodies are the names of their tenants, and a number. */
static void send(const char *group, unsigned count)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;
	char body[64];

	options.group = group;
	for (unsigned i = 0; i < count; i++) {
		int bytes = snprintf(body, sizeof(body), "%s %u", group ? group : "nobody", i);

		CHECK_EQ(rlq_send(queue, body, (size_t)bytes, &options, NULL), 0);
	}
}

static bool is_of(const struct rlq_message *message, const char *group)
{
	return message->group && strcmp(message->group, group) == 0;
}

/* Receives a batch and deletes it; how many were of the tenant. */
static unsigned take_of(const char *group, unsigned max, int *ret_count)
{
	int count = receive_now(queue, messages, max);
	unsigned of = 0;

	CHECK(count >= 0);
	for (int i = 0; i < count; i++) {
		of += is_of(&messages[i], group);
		CHECK_EQ(rlq_delete(queue, &messages[i].receipt), 0);
	}
	if (ret_count)
		*ret_count = count;
	time_passes(1);
	return of;
}

CASE(quiet_tenants_do_not_wait_for_the_backlog_of_a_noisy_one)
{
	unsigned quiet = 0, calls = 0;
	int count;

	begin();
	send(NOISY, BACKLOG);
	for (unsigned i = 0; i < TENANTS - 2; i++)
		send(QUIET(i), 1);
	while (quiet < TENANTS - 2) {
		unsigned noisy = take_of(NOISY, BATCH, &count);

		quiet += (unsigned)count - noisy;
		calls++;
	}
	/* Ten calls have room for them; one in eight begins with the noisy one. */
	CHECK(calls <= 12);
	queues_end();
}

CASE(what_a_quiet_tenant_sends_meanwhile_comes_within_two_receives)
{
	begin();
	send(NOISY, BACKLOG);
	for (unsigned i = 0; i < 200; i++) {
		const char *quiet = QUIET(i % (TENANTS - 2));
		unsigned of;

		send(quiet, 1);
		of = take_of(quiet, 1, NULL);
		if (of == 0)
			of = take_of(quiet, 1, NULL);
		CHECK_EQ(of, 1);
		send(NOISY, 1);
	}
	queues_end();
}

CASE(a_tenant_whose_messages_are_slow_to_process_does_not_hold_up_the_others)
{
	begin();
	send(NOISY, 300);
	for (unsigned i = 0; i < 200; i += BATCH)
		CHECK_EQ(receive_now(queue, messages, BATCH), BATCH);
	CHECK_EQ(stat_of(queue).in_flight, 200);
	send(QUIET(0), 1);
	time_passes(1);
	CHECK_EQ(take_of(QUIET(0), 1, NULL), 1);
	queues_end();
}

/* What comes back comes before what is new, but for that. */
CASE(what_comes_back_to_a_noisy_tenant_does_not_hold_up_the_others)
{
	begin();
	send(NOISY, 50);
	for (unsigned i = 0; i < 50; i += BATCH)
		CHECK_EQ(receive_now(queue, messages, BATCH), BATCH);
	time_passes(30000 + LEASE_SLACK_MS);
	sweep_now(queue);
	CHECK_EQ(stat_of(queue).visible, 50);
	send(QUIET(0), 1);
	CHECK_EQ(take_of(QUIET(0), 1, NULL) + take_of(QUIET(0), 1, NULL), 1);
	queues_end();
}

CASE(a_noisy_tenant_that_is_alone_is_served_as_if_there_were_no_tenants)
{
	begin();
	send(NOISY, 1000);
	for (unsigned i = 0; i < 1000; i += BATCH) {
		CHECK_EQ(receive_now(queue, messages, BATCH), BATCH);
		for (unsigned k = 0; k < BATCH; k++) {
			char body[64];

			snprintf(body, sizeof(body), "%s %u", NOISY, i + k);
			CHECK(body_is(&messages[k], body));
			CHECK_EQ(rlq_delete(queue, &messages[k].receipt), 0);
		}
		time_passes(1);
	}
	CHECK_EQ(receive_now(queue, messages, 1), 0);
	queues_end();
}

CASE(a_noisy_tenant_has_no_limit_when_the_others_have_nothing_to_receive)
{
	int count;

	begin();
	send(QUIET(0), 1);
	CHECK_EQ(receive_now(queue, messages, 1), 1); /* in flight from here on */
	send(NOISY, 1000);
	for (unsigned i = 0; i < 1000; i += BATCH) {
		CHECK_EQ(take_of(NOISY, BATCH, &count), BATCH);
		CHECK_EQ(count, BATCH);
	}
	queues_end();
}

CASE(a_noisy_tenant_has_its_turn_while_quiet_ones_never_cease)
{
	unsigned noisy = 0;

	begin();
	send(NOISY, BACKLOG);
	send(QUIET(0), 5);
	for (unsigned i = 0; i < 10 * TURNS; i++) {
		send(QUIET(i % 50), 1);
		noisy += take_of(NOISY, 1, NULL);
	}
	CHECK_EQ(noisy, 10);
	queues_end();
}

CASE(noisy_tenants_are_served_in_turn)
{
	unsigned of[2] = {0};

	begin();
	send(NOISY, 20000);
	send(NOISY_TOO, 20000);
	for (unsigned i = 0; i < TENANTS - 2; i++)
		send(QUIET(i), 1);
	for (unsigned i = 0; i < 100; i++) {
		of[0] += take_of(NOISY, BATCH, NULL);
		for (unsigned k = 0; k < BATCH; k++)
			of[1] += is_of(&messages[k], NOISY_TOO);
		send(QUIET(i % 50), 1);
	}
	/* Those of the first one fill rings of their own, which have their turn as well. */
	CHECK(of[0] > 150 && of[1] > 150);
	queues_end();
}

CASE(messages_without_a_group_id_count_as_one_more_tenants)
{
	unsigned nobodys = 0;

	begin();
	send(NOISY, 1000);
	send(NULL, 20);
	for (unsigned i = 0; i < 20 + 3; i++) {
		CHECK_EQ(receive_now(queue, messages, 1), 1);
		nobodys += messages[0].group == NULL;
		time_passes(1);
	}
	CHECK_EQ(nobodys, 20);
	send(NULL, 3000);
	send(QUIET(0), 1);
	time_passes(1);
	CHECK_EQ(take_of(QUIET(0), 1, NULL) + take_of(QUIET(0), 1, NULL), 1);
	queues_end();
}

CASE(messages_of_tenants_can_be_peeked_at_moved_on_and_verified)
{
	uint64_t purged, cursor = 0;

	begin();
	send(NOISY, 20);
	send(QUIET(0), 1);
	CHECK_EQ(rlq_peek(queue, messages, BATCH, &cursor), BATCH);
	CHECK(is_of(&messages[0], NOISY));
	CHECK_EQ(receive_now(queue, messages, BATCH), BATCH);
	CHECK_EQ(faults_of("q"), 0);
	CHECK_EQ(rlq_purge(queue, &purged), 0);
	CHECK_EQ(purged, 21);
	CHECK_EQ(faults_of("q"), 0);
	queues_end();
}

/* As without group ids: each once, whoever is noisy meanwhile. */
CASE(all_messages_are_delivered_exactly_as_before)
{
	static bool seen[TENANTS][400];
	unsigned total = 0, index, number;
	int count;

	begin();
	for (unsigned round = 0; round < 4; round++)
		for (unsigned i = 0; i < TENANTS; i++)
			send(names[i], i == round ? 400 : 3);
	for (;;) {
		count = receive_now(queue, messages, BATCH);
		if (count == 0)
			break;
		for (int i = 0; i < count; i++) {
			char text[64];

			snprintf(text, sizeof(text), "%.*s", (int)messages[i].body_bytes,
				 (const char *)messages[i].body);
			CHECK_EQ(messages[i].receive_count, 1);
			for (index = 0; strcmp(names[index], messages[i].group) != 0; index++)
				;
			CHECK_EQ(sscanf(text + strlen(names[index]), " %u", &number), 1);
			if (number >= 3)
				CHECK(!seen[index][number]);
			seen[index][number] = true;
			total++;
			CHECK_EQ(rlq_delete(queue, &messages[i].receipt), 0);
		}
		time_passes(1);
	}
	CHECK_EQ(total, 4 * (400 + 3 * (TENANTS - 1)));
	CHECK_EQ(stat_of(queue).visible + stat_of(queue).in_flight, 0);
	CHECK_EQ(faults_of("q"), 0);
	queues_end();
}

CASE(a_group_id_stays_with_a_message_that_is_moved_to_the_dlq)
{
	struct rlq_queue *dlq;

	begin();
	queues_end();
	queues_begin();
	queue = queue_with_dlq("q", 1, &dlq);
	send(NOISY, 1);
	receive_one(queue);
	time_passes(1000 + LEASE_SLACK_MS);
	CHECK_EQ(receive_now(queue, messages, 1), 0);
	queue = dlq;
	send(QUIET(0), 1);
	messages[0] = receive_one(dlq);
	CHECK(is_of(&messages[0], NOISY));
	CHECK(seg_has_tenants(dlq->seg));
	queues_end();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
