#include "tests/unit/fifo_fixture.h"

#include "kmod-free/sysops.h"
#include "tests/support/queue_fixture.h"
#include "tests/unit/faulty_calls.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct rlq_queue *queue;

static struct os_sysops real;
static int refusal;

void fifo_test_begin(void)
{
	queues_begin();
	real = os_sys;
}

void fifo_test_end(void)
{
	faulty_calls_end();
	os_sys = real;
	queues_end();
}

struct seg_directory *fifo_test_directory(void)
{
	return &queues_directory()->seg;
}

int fifo_test_send(const char *group, const char *id)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	options.group = group;
	options.dedup_id = id;
	return rlq_send(queue, id, strlen(id), &options, NULL);
}

void fifo_test_make(void)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.type = RLQ_FIFO;
	attributes.dedup_max = 100000;
	queue = queue_make("q.fifo", &attributes);
	cr_assert_eq(fifo_test_send("g", "first"), 0);
}

static int refusing_fallocate(int fd, int mode, off_t offset, off_t bytes)
{
	if (mode & FALLOC_FL_PUNCH_HOLE)
		return real.fallocate(fd, mode, offset, bytes);
	errno = refusal;
	return -1;
}

void fifo_test_refuse_memory(int error)
{
	refusal = error;
	os_sys.fallocate = error ? refusing_fallocate : real.fallocate;
}

void fifo_test_wear_out(void)
{
	const struct groups *groups = &queue->seg->groups;
	const struct group_table *table = &groups->table[groups->table_count - 1];

	for (uint32_t i = 0; i < UINT32_C(1) << table->order; i++)
		if (load_relaxed(&table->cells[i].low) == 0)
			store_relaxed(&table->cells[i].high, GROUP_SEALED);
}

void fifo_test_take_regions(enum seg_table_kind kind, uint32_t row, uint32_t serial)
{
	for (uint32_t nth = 1; nth < TABLES_OF_A_KIND; nth++) {
		struct word128 *region = &queue->seg->header->region[table_region(kind, nth)];

		store_seq(&region->high, UINT64_C(90) << 32 | serial);
		store_seq(&region->low, REGION_BUSY | region_order_pack(TABLE_ORDER_FIRST) | (uint64_t)row << 12);
	}
}
