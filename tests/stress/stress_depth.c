/* A deep queue: it takes as many messages as its capacity and not one more, gives each out once, and its
 * memory comes back. 10 million messages, the default capacity, need some 2.8 GiB of /dev/shm (or
 * $RINGLEASE_DIR).
 *
 * stress_depth [MESSAGES]; exit 0, 1, or 77 where there is no room. */
#include "kmod-free/memory.h"
#include "tests/support/leaks.h"
#include "tests/support/tmpdir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum {
	DEFAULT_DEPTH = 200 * 1000,
	DEPTH_MAX = 10 * 1000 * 1000,
	BATCH = 1000,
	PER_MESSAGE_BYTES = 300, /* its share of the memory of all rings, which are listed at once */
	SWEEPS = 6,		 /* of an engine, a second apart: retire, shrink, retire */
};

static struct rlq_queue *queue;
static unsigned char seen[DEPTH_MAX / 8 + 1];
static double mark_s;
static uint32_t depth;

static void fail(const char *what, long long value)
{
	printf("FAILED: %s: %lld\n", what, value);
	fflush(stdout);
	_exit(1);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void say(const char *what)
{
	struct segment *segment = queue->seg;
	uint64_t slots = 0;

	if (seg_enter(segment) != 0)
		fail("enter", 0);
	for (uint32_t i = 0; i < rings_count(segment->rings); i++)
		slots += ring_slot_count(&segment->ring[rings_at(segment->rings, i)]);
	printf("%-28s %6.2f s, %u rings, %llu slots, %llu MiB\n", what, now_s() - mark_s,
	       rings_count(segment->rings), (unsigned long long)slots,
	       (unsigned long long)os_file_memory(segment->fd) >> 20);
	fflush(stdout);
	seg_leave(segment);
	mark_s = now_s();
}

static void send_all(void)
{
	struct rlq_send_entry entry[BATCH];
	uint32_t id[BATCH], next = 0;

	while (next < depth) {
		int sent;
		uint32_t count = depth - next < BATCH ? depth - next : BATCH;

		for (uint32_t i = 0; i < count; i++) {
			id[i] = next + i;
			entry[i] = (struct rlq_send_entry){
				.body = &id[i], .body_bytes = sizeof(id[i]), .delay_ms = RLQ_DEFAULT};
		}
		sent = rlq_send_batch(queue, entry, count, NULL, NULL);
		if (sent <= 0)
			fail(rlq_strerror(sent), next);
		next += (uint32_t)sent;
	}
	if (rlq_send(queue, "x", 1, NULL, NULL) != RLQ_EFULL)
		fail("one more was taken than the capacity", next);
}

static void take_one(const struct rlq_message *message, struct rlq_receipt *ret_receipt)
{
	uint32_t id;

	memcpy(&id, message->body, sizeof(id));
	if (id >= depth || (seen[id / 8] >> id % 8 & 1))
		fail("received twice, or made up", id);
	seen[id / 8] |= (unsigned char)(1 << id % 8);
	*ret_receipt = message->receipt;
}

static void drain_all(void)
{
	static struct rlq_message message[BATCH];
	static struct rlq_receipt receipt[BATCH];
	struct rlq_receive_options options = RLQ_RECEIVE_OPTIONS_INIT;

	options.wait_ms = 0;
	options.visibility_ms = 3600000;
	for (uint32_t gone = 0; gone < depth;) {
		int count = rlq_receive(queue, message, BATCH, &options);

		if (count <= 0)
			fail("received", gone);
		for (int i = 0; i < count; i++)
			take_one(&message[i], &receipt[i]);
		if (rlq_delete_batch(queue, receipt, (size_t)count, NULL) != count)
			fail("a receipt was refused after", gone);
		gone += (uint32_t)count;
	}
	if (rlq_receive(queue, message, 1, &options) != 0)
		fail("more came than were sent", depth);
}

static bool has_room(const char *path)
{
	struct statvfs room;

	return statvfs(path, &room) == 0 &&
	       (uint64_t)room.f_bavail * room.f_bsize > (uint64_t)depth * PER_MESSAGE_BYTES;
}

static void run(void)
{
	uint64_t empty = os_file_memory(queue->seg->fd);
	struct rlq_queue_stat stat = RLQ_QUEUE_STAT_INIT;
	const char *left;

	mark_s = now_s();
	send_all();
	say("sent");
	if (rlq_queue_stat(queue, &stat) != 0 || stat.visible != depth)
		fail("depth", (long long)stat.visible);
	say("counted");
	leaks_sweep(queue);
	say("swept");
	drain_all();
	say("received and deleted");
	for (int i = 0; i < SWEEPS; i++)
		leaks_sweep(queue);
	say("swept until small");
	left = leaks_find(queue);
	if (left)
		fail(left, 0);
	if (os_file_memory(queue->seg->fd) > empty + (1 << 20))
		fail("memory kept", (long long)os_file_memory(queue->seg->fd));
}

int main(int count, char **values)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_directory *directory;
	char path[TMPDIR_BYTES];

	depth = count > 1 ? (uint32_t)strtoul(values[1], NULL, 10) : DEFAULT_DEPTH;
	if (depth == 0 || depth > DEPTH_MAX)
		return 2;
	tmpdir_make(path);
	if (!has_room(path)) {
		printf("skipped: a queue of %u messages needs %u MiB in %s\n", depth,
		       depth / 4096 * PER_MESSAGE_BYTES / 256, path);
		tmpdir_remove(path);
		return 77;
	}
	attributes.capacity = depth;
	if (rlq_directory_open(path, &directory) != 0 || rlq_queue_create(directory, "q", &attributes) != 1 ||
	    rlq_queue_open(directory, "q", &queue) != 0)
		fail("create", 0);
	run();
	rlq_queue_close(queue);
	rlq_directory_close(directory);
	tmpdir_remove(path);
	return 0;
}
