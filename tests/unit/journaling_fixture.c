#include "tests/unit/journaling_fixture.h"

#include "shm/move.h"

#include <criterion/criterion.h>
#include <string.h>

char queues[TMPDIR_BYTES], data[TMPDIR_BYTES];
struct rlq_directory *directory;
struct journaling *journaling;

static __attribute__((format(printf, 2, 3))) void say(void *context, const char *format, ...)
{
	(void)context;
	(void)format;
}

struct journaling_options engine_options(const struct os_disk *disk)
{
	return (struct journaling_options){.data = data, .disk = disk, .file_bytes = SMALL_FILE, .say = say};
}

void start_engine_with(const struct journaling_options *options)
{
	cr_assert_eq(rlq_directory_open(queues, &directory), 0);
	cr_assert_eq(journaling_start(&directory->seg, options, &journaling), 0);
}

void start_engine_on(const struct os_disk *disk)
{
	struct journaling_options options = engine_options(disk);

	start_engine_with(&options);
}

void start_engine(void)
{
	start_engine_on(&os_disk_real);
}

void stop_engine(void)
{
	journaling_stop(journaling);
	rlq_directory_close(directory);
}

void reboot_machine(void)
{
	stop_engine();
	tmpdir_empty(queues);
	start_engine();
}

void restart_engine(void)
{
	stop_engine();
	start_engine();
}

void journaling_test_begin(void)
{
	tmpdir_make(queues);
	tmpdir_make(data);
	start_engine();
}

void journaling_test_end(void)
{
	stop_engine();
	tmpdir_empty(queues);
	tmpdir_remove(queues);
	tmpdir_empty(data);
	tmpdir_remove(data);
}

struct rlq_queue *opened(const char *name)
{
	struct rlq_queue *queue;

	cr_assert_eq(rlq_queue_open(directory, name, &queue), 0);
	return queue;
}

struct rlq_queue *made(const char *name, enum rlq_durability durability)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.durability = durability;
	cr_assert_eq(rlq_queue_create(directory, name, &attributes), 1);
	return opened(name);
}

struct rlq_queue *made_with_dlq(const char *name, enum rlq_durability durability)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.durability = durability;
	attributes.receives_max = 1;
	strcpy(attributes.dlq, "dlq");
	cr_assert_eq(rlq_queue_create(directory, name, &attributes), 1);
	return opened(name);
}

void send_numbered(struct rlq_queue *queue, unsigned first, unsigned count, size_t bytes)
{
	static unsigned char bodies[RLQ_BATCH_MAX][1024];
	struct rlq_send_entry entries[RLQ_BATCH_MAX];

	for (unsigned done = 0; done < count;) {
		unsigned now = count - done < RLQ_BATCH_MAX ? count - done : RLQ_BATCH_MAX;

		for (unsigned i = 0; i < now; i++) {
			unsigned number = first + done + i;

			memset(bodies[i], (int)(number & 0xff), bytes);
			memcpy(bodies[i], &number, sizeof(number));
			entries[i] = (struct rlq_send_entry){
				.body = bodies[i], .body_bytes = bytes, .delay_ms = RLQ_DEFAULT};
		}
		cr_assert_eq(rlq_send_batch(queue, entries, now, NULL, NULL), (int)now);
		done += now;
	}
}

unsigned drain_numbered(struct rlq_queue *queue, unsigned first, size_t bytes)
{
	struct rlq_message messages[RLQ_BATCH_MAX];
	struct rlq_receipt receipts[RLQ_BATCH_MAX];
	unsigned next = first;
	int count;

	while ((count = rlq_receive(queue, messages, RLQ_BATCH_MAX, NULL)) > 0) {
		for (int i = 0; i < count; i++, next++) {
			unsigned number;

			memcpy(&number, messages[i].body, sizeof(number));
			cr_assert_eq(number, next);
			cr_assert_eq(messages[i].body_bytes, bytes);
			for (size_t at = sizeof(number); at < bytes; at++)
				cr_assert_eq(((const unsigned char *)messages[i].body)[at], (number & 0xff));
			receipts[i] = messages[i].receipt;
		}
		cr_assert_eq(rlq_delete_batch(queue, receipts, (size_t)count, NULL), count);
	}
	return next - first;
}

int keep_busy(unsigned rounds)
{
	struct rlq_queue *busy = made("busy", RLQ_SYNC);
	int most = 0;

	for (unsigned round = 0; round < rounds; round++) {
		send_numbered(busy, round * 100, 100, 500);
		cr_assert_eq(drain_numbered(busy, round * 100, 500), 100);
		most = files_of_journal() > most ? files_of_journal() : most;
	}
	rlq_queue_close(busy);
	return most;
}

int files_of_journal(void)
{
	return tmpdir_count(data, "journal-0");
}

uint64_t only_place(struct rlq_queue *queue, struct slot **ret_slot)
{
	struct ring *ring;
	uint64_t place = 0;

	cr_assert_eq(seg_enter(queue->seg), 0);
	ring = &queue->seg->ring[rings_at(queue->seg->rings, 0)];
	for (uint32_t i = 0; i <= ring->mask; i++)
		if (word_state(slot_read(&ring->slots[i])) == SLOT_READY) {
			*ret_slot = &ring->slots[i];
			place = place_pack(rings_at(queue->seg->rings, 0), i,
					   word_generation(slot_read(*ret_slot)));
		}
	seg_leave(queue->seg);
	return place;
}
