#include "bench/sqs/traffic.h"

#include <poll.h>
#include <stdlib.h>

enum step { STEP_NONE, STEP_SEND, STEP_RECEIVE, STEP_DELETE };

struct lane {
	struct http http;
	enum step step; /* whose answer is awaited */
	uint32_t count; /* messages in it */
	struct request request;
};

struct load {
	struct traffic *traffic;
	struct lane lanes[TRAFFIC_CONNECTIONS];
	struct pollfd polled[TRAFFIC_CONNECTIONS];
	uint32_t running;
	uint64_t begun; /* messages asked to be sent or received */
	bool is_over;
	struct traffic_tally tally;
};

/* ---- one connection ------------------------------------------------------------------------------ */

static void ask(struct lane *lane, enum step step, uint32_t count)
{
	lane->step = step;
	lane->count = count;
	http_send(&lane->http, lane->request.text, lane->request.bytes);
}

static void lane_send(struct load *load, struct lane *lane)
{
	struct traffic *traffic = load->traffic;
	uint64_t numbers[BATCH_MAX] = {0};

	for (uint32_t i = 0; i < traffic->batch && traffic->ledger; i++)
		numbers[i] = ledger_send(traffic->ledger, traffic->me);
	request_send(&lane->request, &traffic->target, numbers, traffic->batch, traffic->body_bytes);
	ask(lane, STEP_SEND, traffic->batch);
}

static void lane_receive(struct load *load, struct lane *lane)
{
	request_receive(&lane->request, &load->traffic->target, load->traffic->batch, 0);
	ask(lane, STEP_RECEIVE, load->traffic->batch);
}

static bool is_over(struct load *load)
{
	const struct traffic *traffic = load->traffic;

	return load->is_over || (traffic->end > 0 && seconds_now() >= traffic->end) ||
	       (traffic->messages_max > 0 && load->begun >= traffic->messages_max);
}

static void lane_begin(struct load *load, struct lane *lane)
{
	if (is_over(load)) {
		lane->step = STEP_NONE;
		load->running--;
		return;
	}
	load->begun += load->traffic->batch;
	if (load->traffic->kind == TRAFFIC_TAKE)
		lane_receive(load, lane);
	else
		lane_send(load, lane);
}

static void lane_sent(struct load *load, struct lane *lane, const struct http_answer *answer)
{
	answer_sent(answer, lane->count);
	if (load->traffic->kind == TRAFFIC_CYCLE) {
		lane_receive(load, lane);
		return;
	}
	load->tally.messages += lane->count;
	load->tally.end = seconds_now();
	lane_begin(load, lane);
}

/* In a cycle another may have taken what this one has sent; then there is something soon. */
static void lane_received(struct load *load, struct lane *lane, const struct http_answer *answer)
{
	struct traffic *traffic = load->traffic;
	struct received received;

	answer_received(answer, &received);
	for (uint32_t i = 0; i < received.count && traffic->ledger; i++)
		ledger_receive(traffic->ledger, received.numbers[i]);
	if (received.count > 0) {
		request_delete(&lane->request, &traffic->target, received.handles, received.count);
		ask(lane, STEP_DELETE, received.count);
	} else if (traffic->kind == TRAFFIC_TAKE) {
		load->is_over = true;
		lane_begin(load, lane);
	} else {
		lane_receive(load, lane);
	}
}

static void lane_answered(struct load *load, struct lane *lane, const struct http_answer *answer)
{
	switch (lane->step) {
	case STEP_SEND:
		lane_sent(load, lane, answer);
		return;
	case STEP_RECEIVE:
		lane_received(load, lane, answer);
		return;
	case STEP_DELETE:
		answer_deleted(answer, lane->count);
		load->tally.messages += lane->count;
		load->tally.end = seconds_now();
		lane_begin(load, lane);
		return;
	case STEP_NONE:
		sqs_fail("an answer came that nobody waits for");
	}
}

/* ---- all of them ---------------------------------------------------------------------------------- */

static void hear(struct load *load, uint32_t index)
{
	struct lane *lane = &load->lanes[index];
	struct http_answer answer;

	if (http_receive(&lane->http, &answer))
		lane_answered(load, lane, &answer);
	load->polled[index].fd = lane->step == STEP_NONE ? -1 : lane->http.fd;
}

static void play(struct load *load)
{
	uint32_t count = load->traffic->connections;

	for (uint32_t i = 0; i < count; i++) {
		lane_begin(load, &load->lanes[i]);
		load->polled[i] = (struct pollfd){.fd = load->lanes[i].http.fd, .events = POLLIN};
	}
	while (load->running > 0) {
		int left = poll(load->polled, count, HTTP_PATIENCE_MS);

		if (left <= 0)
			sqs_fail("port %u does not answer", load->traffic->target.port);
		for (uint32_t i = 0; i < count && left > 0; i++)
			if (load->polled[i].revents) {
				left--;
				hear(load, i);
			}
	}
}

struct traffic_tally traffic_run(struct traffic *traffic, void (*started)(struct traffic *traffic, void *context),
				 void *context)
{
	struct load *load = calloc(1, sizeof(*load));
	struct traffic_tally tally;

	if (load == NULL)
		sqs_fail("no memory");
	load->traffic = traffic;
	load->running = traffic->connections;
	for (uint32_t i = 0; i < traffic->connections; i++)
		http_open(&load->lanes[i].http, traffic->target.port);
	if (started)
		started(traffic, context);
	play(load);
	for (uint32_t i = 0; i < traffic->connections; i++)
		http_close(&load->lanes[i].http);
	tally = load->tally;
	free(load);
	return tally;
}
