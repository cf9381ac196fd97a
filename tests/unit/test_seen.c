/* Tables of ids in a queue: several handles replace them, and what a send answers meanwhile. */
#include "client/internal.h"
#include "shm/fifo.h"
#include "shm/seen.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

enum { BATCH = 10, HALF = 1 << (DEDUP_ORDER_MIN - 1) };

static struct rlq_queue *fifo, *other;

static void set_up(void)
{
	queues_begin();
	fifo = fifo_make("q.fifo", NULL, false);
	other = queue_again("q.fifo");
}

TestSuite(seen, .init = set_up, .fini = queues_end, .timeout = 60);

static int send_batch(struct rlq_queue *queue)
{
	static int last_id;
	struct rlq_send_entry entries[BATCH];
	char ids[BATCH][16];

	for (int i = 0; i < BATCH; i++) {
		snprintf(ids[i], sizeof(ids[i]), "%d", ++last_id);
		entries[i] = (struct rlq_send_entry){.group = ids[i], .dedup_id = ids[i], .delay_ms = RLQ_DEFAULT};
	}
	return rlq_send_batch(queue, entries, BATCH, NULL, NULL);
}

/* The newest table, as the handle knows it. */
static struct dedup_head *newest(const struct rlq_queue *queue)
{
	return queue->seg->dedup.table[queue->seg->dedup.count - 1].head;
}

static void append_table(struct segment *segment, uint32_t order)
{
	cr_assert_eq(tables_append(segment, TABLE_IDS, segment->dedup_seen, order), 0);
	cr_assert_eq(fifo_refresh(segment), 0);
}

static void append_tables(struct rlq_queue *queue, uint32_t count)
{
	struct segment *segment = queue->seg;

	cr_assert_eq(seg_enter(segment), 0);
	for (uint32_t i = 0; i < count; i++)
		append_table(segment, DEDUP_ORDER_MIN);
	seg_leave(segment);
}

/* Somebody else has just made one. */
static void no_sweep_comes(void)
{
	store_relaxed(&fifo->seg->header->sweep_ms, boot_now());
}

static void drop_tables(struct rlq_queue *queue, uint32_t count)
{
	struct segment *segment = queue->seg;

	cr_assert_eq(seg_enter(segment), 0);
	for (uint32_t i = 0; i < count; i++) {
		cr_assert(tables_drop_oldest(segment, TABLE_IDS, segment->dedup_seen));
		cr_assert_eq(fifo_refresh(segment), 0);
	}
	seg_leave(segment);
}

/* Who knows only the first one, which is half full, wants a larger one, and finds no region for it. No sweep shows
 * it the others. */
Test(seen, shouldFindTheTablesThatOthersHaveAppended)
{
	append_tables(other, DEDUP_TABLES_MAX - 1);
	no_sweep_comes();
	store_relaxed(&newest(fifo)->used, HALF);
	cr_assert_eq(send_batch(fifo), BATCH);
}

static pid_t sender;

/* Waiting for room, and in the kernel for it. */
static bool is_asleep(pid_t thread)
{
	char path[64], state = '\0';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", thread);
	file = fopen(path, "r");
	if (file == NULL || fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = '\0';
	if (file)
		fclose(file);
	return state == 'S' && event_has_sleepers(&fifo->seg->header->producers);
}

static void *leave_once_it_sleeps(void *argument)
{
	(void)argument;
	while (!is_asleep(sender))
		sched_yield();
	seg_leave(other->seg);
	return NULL;
}

/* Whatever was in the way before: at each look. */
Test(seen, shouldTakeTheMemoryBackThatIsFreeMeanwhile)
{
	pthread_t thread;

	cr_assert_eq(seg_enter(other->seg), 0);
	append_tables(fifo, DEDUP_TABLES_MAX - 1);
	drop_tables(fifo, DEDUP_TABLES_MAX - 1);
	store_relaxed(&newest(fifo)->used, HALF);
	no_sweep_comes();
	sender = gettid();
	cr_assert_eq(pthread_create(&thread, NULL, leave_once_it_sleeps, NULL), 0);
	cr_assert_eq(send_batch(fifo), BATCH);
	pthread_join(thread, NULL);
}

/* As if it was stopped there: what was dropped since stays where it is. */
Test(seen, shouldSayWhichMemoryAStoppedProcessKeeps)
{
	cr_assert_eq(seg_enter(other->seg), 0);
	append_tables(fifo, DEDUP_TABLES_MAX - 1);
	drop_tables(fifo, DEDUP_TABLES_MAX - 1);
	store_relaxed(&newest(fifo)->used, HALF);
	no_sweep_comes();
	cr_assert_eq(send_batch(fifo), RLQ_EDEDUPFULL);
	seg_leave(other->seg);
	cr_assert_eq(send_batch(fifo), BATCH);
}

/* ---- one id over and over --------------------------------------------------------------------- */

static int send_as(struct rlq_queue *queue, const char *dedup_id)
{
	struct rlq_send_options options = RLQ_SEND_OPTIONS_INIT;

	options.group = "g";
	options.dedup_id = dedup_id;
	return rlq_send(queue, "x", 1, &options, NULL);
}

/* The entry alone, as when a sync queue's journal has no room for it. */
static void forget_last_sent(struct rlq_queue *queue)
{
	struct segment *segment = queue->seg;
	struct fifo_sent first;

	cr_assert_eq(seg_enter(segment), 0);
	cr_assert(fifo_find(segment, queue->ids.key.word, &first));
	seen_take_back(segment, first.link);
	seg_leave(segment);
}

/* What joins its group and cannot be decided would keep all behind it waiting. */
Test(seen, shouldNotLetAMessageJoinThatFindsNoPlaceForItsId)
{
	const uint64_t places = DEDUP_PROBES_MAX - DEDUP_PROBES_MAX / DEDUP_SPARE;
	uint64_t sent = 0, purged;
	int error;

	append_tables(fifo, DEDUP_TABLES_MAX - 2);
	cr_assert_eq(seg_enter(fifo->seg), 0);
	append_table(fifo->seg, DEDUP_ORDER_MIN + 2); /* its probes are not all of it */
	seg_leave(fifo->seg);
	no_sweep_comes();
	while ((error = send_as(fifo, "again")) == 0) {
		forget_last_sent(fifo);
		sent++;
	}
	cr_expect_eq(error, RLQ_EDEDUPFULL);
	cr_expect_eq(sent, places, "%llu", (unsigned long long)sent);
	cr_expect_eq(send_as(other, "again"), RLQ_EDEDUPFULL);
	cr_expect_eq(send_as(fifo, "other"), 0);
	cr_assert_eq(rlq_purge(fifo, &purged), 0);
	cr_expect_eq(purged, places + 1);
}
