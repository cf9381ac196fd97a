#include "bench/queue.h"

#include "ringlease-engine.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILL_BATCH = 1000, RETIRE_PATIENCE_S = 10, JOURNAL_PATIENCE_S = 10, SETTLE_US = 20000 };

int must(struct team *team, int result, const char *what)
{
	if (result >= 0)
		return result;
	if (team)
		team_fail(team, "%s: %s", what, rlq_strerror(result));
	fprintf(stderr, "%s: %s\n", what, rlq_strerror(result));
	exit(1);
}

/* ---- the directory ---------------------------------------------------------------------------- */

static struct rlq_engine *engine;

static void engine_stop(int signal_number)
{
	(void)signal_number;
	rlq_engine_stop(engine);
}

static void engine_main(const struct place *place)
{
	struct rlq_engine_options options = RLQ_ENGINE_OPTIONS_INIT;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	options.data = place->data[0] ? place->data : NULL;
	must(NULL, rlq_engine_open(place->path, &options, &engine), "engine");
	signal(SIGTERM, engine_stop);
	must(NULL, rlq_engine_run(engine), "engine");
	rlq_engine_close(engine);
	_exit(0);
}

static void engine_await(const struct place *place)
{
	struct rlq_directory *directory;
	double end = seconds_now() + 5;

	must(NULL, rlq_directory_open(place->path, &directory), "open directory");
	while (!rlq_directory_has_engine(directory) && seconds_now() < end)
		sched_yield();
	if (!rlq_directory_has_engine(directory))
		fprintf(stderr, "the engine does not come up; going on without\n");
	usleep(SETTLE_US); /* its first look is over before there are queues */
	rlq_directory_close(directory);
}

static void make_folder(const char *path)
{
	if (mkdir(path, 0700) == 0)
		return;
	perror(path);
	exit(1);
}

void place_start_engine(struct place *place)
{
	fflush(NULL);
	place->engine_pid = fork();
	if (place->engine_pid == 0)
		engine_main(place);
}

static void open_place(struct place *place, bool with_engine)
{
	const char *base = getenv("BENCH_DIR");

	place->starter_pid = (int)getpid();
	snprintf(place->path, sizeof(place->path), "%.60s/ringlease-bench.%d", base ? base : "/dev/shm",
		 place->starter_pid);
	make_folder(place->path);
	if (!with_engine)
		return;
	place_start_engine(place);
	engine_await(place);
}

void place_open(struct place *place, bool with_engine)
{
	*place = (struct place){0};
	open_place(place, with_engine);
}

void place_open_durable(struct place *place)
{
	const char *base = getenv("BENCH_DATA");

	*place = (struct place){0};
	snprintf(place->data, sizeof(place->data), "%.60s/ringlease-bench.%d", base ? base : "/var/tmp",
		 (int)getpid());
	make_folder(place->data);
	open_place(place, true);
}

static int remove_queue(void *directory, const char *name)
{
	rlq_queue_remove(directory, name);
	return 0;
}

static void stop_engine(struct place *place)
{
	if (place->engine_pid > 0) {
		kill(place->engine_pid, SIGTERM);
		waitpid(place->engine_pid, NULL, 0);
	}
	place->engine_pid = 0;
}

void place_reboot(struct place *place)
{
	char command[256];

	stop_engine(place);
	snprintf(command, sizeof(command), "rm -rf '%s'", place->path);
	if (system(command) != 0)
		fprintf(stderr, "%s is left\n", place->path);
	make_folder(place->path);
}

void place_close(struct place *place)
{
	struct rlq_directory *directory;
	char command[256];

	stop_engine(place);
	if (rlq_directory_open(place->path, &directory) == 0) {
		rlq_queue_list(directory, NULL, remove_queue, directory);
		rlq_directory_close(directory);
	}
	snprintf(command, sizeof(command), "rm -rf '%s' %s", place->path, place->data);
	if (system(command) != 0)
		fprintf(stderr, "%s is left\n", place->path);
}

void place_queue_as(const struct place *place, const char *name, const struct rlq_queue_attributes *attributes)
{
	struct rlq_directory *directory;

	must(NULL, rlq_directory_open(place->path, &directory), "open directory");
	must(NULL, rlq_queue_create(directory, name, attributes), "create queue");
	rlq_directory_close(directory);
}

void place_queue(const struct place *place, const char *name, uint64_t capacity, int64_t visibility_ms)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.capacity = capacity;
	attributes.visibility_ms = visibility_ms;
	place_queue_as(place, name, &attributes);
}

void place_queue_durable(const struct place *place, const char *name, uint64_t capacity, uint32_t durability)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_directory *directory;
	double end = seconds_now() + JOURNAL_PATIENCE_S;
	int result;

	attributes.capacity = capacity;
	attributes.durability = durability;
	must(NULL, rlq_directory_open(place->path, &directory), "open directory");
	do
		result = rlq_queue_create(directory, name, &attributes);
	while (result == RLQ_EENGINE && seconds_now() < end);
	must(NULL, result, "create queue");
	rlq_directory_close(directory);
}

/* ---- queues ----------------------------------------------------------------------------------- */

struct opened queue_open(struct team *team, const struct place *place, const char *name)
{
	struct opened opened = {0};

	must(team, rlq_directory_open(place->path, &opened.directory), "open directory");
	must(team, rlq_queue_open(opened.directory, name, &opened.queue), "open queue");
	return opened;
}

void queue_close(struct opened *opened)
{
	rlq_queue_close(opened->queue);
	rlq_directory_close(opened->directory);
}

static void send_many(struct team *team, struct rlq_queue *queue, uint64_t count)
{
	static const unsigned char body[64];
	struct rlq_send_entry entries[FILL_BATCH];

	for (int i = 0; i < FILL_BATCH; i++)
		entries[i] =
			(struct rlq_send_entry){.body = body, .body_bytes = sizeof(body), .delay_ms = RLQ_DEFAULT};
	while (count > 0) {
		size_t want = count < FILL_BATCH ? count : FILL_BATCH;

		count -= (uint64_t)must(team, rlq_send_batch(queue, entries, want, NULL, NULL), "send");
	}
}

static struct rlq_message *message_room(struct team *team)
{
	struct rlq_message *messages = malloc(FILL_BATCH * sizeof(*messages));

	if (!messages)
		must(team, -12, "memory");
	return messages;
}

static void lease_many(struct team *team, struct rlq_queue *queue, uint64_t count, int64_t lease_ms)
{
	struct rlq_message *messages = message_room(team);
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;

	options.visibility_ms = lease_ms;
	while (count > 0) {
		size_t want = count < FILL_BATCH ? count : FILL_BATCH;

		count -= (uint64_t)must(team, rlq_receive(queue, messages, want, &options), "receive");
	}
	free(messages);
}

void queue_fill(struct team *team, struct rlq_queue *queue, uint64_t count, int64_t lease_ms)
{
	send_many(team, queue, count);
	if (lease_ms > 0)
		lease_many(team, queue, count, lease_ms);
}

static void drain(struct team *team, struct rlq_queue *queue, uint64_t count)
{
	struct rlq_message *messages = message_room(team);
	struct rlq_receipt receipts[FILL_BATCH];

	while (count > 0) {
		size_t want = count < FILL_BATCH ? count : FILL_BATCH;
		int got = must(team, rlq_receive(queue, messages, want, NULL), "receive");

		for (int i = 0; i < got; i++)
			receipts[i] = messages[i].receipt;
		if (got > 0)
			must(team, rlq_delete_batch(queue, receipts, (size_t)got, NULL), "delete");
		count -= (uint64_t)got;
	}
	free(messages);
}

/* So many messages keep a ring of 2^order slots from being replaced by a smaller one. */
static uint64_t ballast(uint32_t order)
{
	return order > 13 ? (UINT64_C(1) << order) / 64 + (UINT64_C(1) << order) / 256 : 0;
}

static uint64_t slots_of(struct rlq_queue *queue)
{
	struct rlq_queue_stat stat = {.size = sizeof(stat)};

	must(NULL, rlq_queue_stat(queue, &stat), "stat");
	return stat.slots;
}

void queue_grow(struct rlq_queue *queue, uint32_t order)
{
	uint64_t want = UINT64_C(1) << order, filled = 0;
	double end;

	/* Rings grow fourfold, so all smaller ones together have fewer slots than the wanted one. */
	while (slots_of(queue) < want) {
		queue_fill(NULL, queue, want / 16, 0);
		filled += want / 16;
	}
	queue_fill(NULL, queue, ballast(order), 0);
	drain(NULL, queue, filled);
	if (ballast(order) > 0)
		lease_many(NULL, queue, ballast(order), 3600000);
	end = seconds_now() + RETIRE_PATIENCE_S;
	while (slots_of(queue) != want && seconds_now() < end)
		sched_yield();
	if (slots_of(queue) != want)
		fprintf(stderr, "the queue has %llu slots, not 2^%u\n", (unsigned long long)slots_of(queue), order);
}
