/* Who keeps the journal: starts as an engine does, and plays turns. */
#include "tests/interleave/segments/journal.h"

#include "daemon/aside.h"
#include "daemon/recover.h"
#include "shm/durable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct keeper keepers[KEEPERS];
struct written written;

enum { FILE_NUMBER = 1, MESSAGE_BYTES = 8, MEGABYTE = 1 << 20 };

struct keeper *keeper_of(int actor)
{
	if (actor == DRAINER)
		return &keepers[KEEPERS - 1];
	return own[actor].journal ? &keepers[own[actor].journal - 1] : NULL;
}

void journal_begin(void)
{
	memset(keepers, 0, sizeof(keepers));
	memset(&cut, 0, sizeof(cut));
	written = (struct written){.keeper = NOBODY, .next = 1};
	engine_page = (struct seg_engine_page){.awake_by_ms = UINT64_MAX};
}

int add_journal(const char *name, const struct op *ops, bool is_mortal)
{
	int actor = add_script_late(name, ops, is_mortal), memory = 0;

	for (int i = 0; i < actor; i++)
		memory += own[i].journal != 0;
	if (memory >= KEEPERS - 1) {
		fprintf(stderr, "interleave: too many journals\n");
		exit(1);
	}
	own[actor].journal = (uint8_t)(memory + 1);
	return actor;
}

static void remember_keeper(int actor, struct keeper *keeper)
{
	explore_remember_of(actor, keeper, offsetof(struct keeper, group));
	for (int i = 0; i < GROUP_PLACES; i++)
		explore_remember_of(actor, &keeper->group[i], GROUP_SEEN_BYTES);
	for (int i = 0; i < LIST_PLACES; i++)
		explore_remember_of(actor, keeper->list[i], LIST_SEEN_BYTES);
	for (int i = 0; world_is_fifo() && i < KNOWN_PLACES; i++)
		explore_remember_of(actor, keeper->known[i], KNOWN_SEEN_BYTES);
}

void journal_remember(void)
{
	written.ready_ms = world.now_ms;
	explore_remember(&engine_page, sizeof(engine_page));
	explore_remember(&written, sizeof(written));
	explore_remember(&cut, sizeof(cut));
	for (int i = 0; i < explore_actor_count(); i++)
		if (keeper_of(i))
			remember_keeper(i, keeper_of(i));
}

/* ---- the disk: daemon/journal.h ----------------------------------------------------------------- */

static void stage(struct journal *journal, const struct staged *staged)
{
	if (journal->count == STAGED_MAX)
		explore_fail("a turn has more records than this scenario has place for", 0);
	else
		journal->staged[journal->count++] = *staged;
}

static void stage_message(struct journal *journal, const struct format_message *record)
{
	stage(journal, &(struct staged){
			       .kind = FORMAT_MESSAGE,
			       .origin = (uint8_t)record->origin,
			       .message = {.id = {record->id[0], record->id[1]},
					   .number = (uint8_t)record->number,
					   .queue = (uint8_t)(record->queue - 1),
					   .message = (uint8_t)number_of_bytes(record->payload, record->body_bytes),
					   .receives = (uint8_t)record->receives},
		       });
}

/* What was reserved has been filled in. */
static void stage_record(struct journal *journal)
{
	const struct format_record *record = (const void *)journal->record;
	const struct format_delete *deletes = (const void *)record;
	const struct format_update *update = (const void *)record;

	if (record->kind == FORMAT_MESSAGE)
		stage_message(journal, (const void *)record);
	for (int i = 0; record->kind == FORMAT_DELETE && i < record->count; i++)
		stage(journal,
		      &(struct staged){.kind = FORMAT_DELETE, .message.number = (uint8_t)deletes->numbers[i]});
	if (record->kind == FORMAT_UPDATE)
		stage(journal, &(struct staged){.kind = FORMAT_UPDATE,
						.message = {.number = (uint8_t)update->number,
							    .receives = (uint8_t)update->receives}});
	memset(journal->record, 0, sizeof(journal->record));
}

unsigned char *journal_reserve(struct journal *journal, size_t bytes)
{
	stage_record(journal);
	if (bytes > RECORD_BYTES)
		explore_fail("a record of %llu bytes", bytes);
	return journal->record;
}

static struct written_message *find_written(uint8_t number)
{
	for (int i = 0; i < written.count; i++)
		if (written.live[i].number == number)
			return &written.live[i];
	return NULL;
}

static void unwrite(uint8_t number)
{
	struct written_message *gone = find_written(number);

	if (gone == NULL)
		return;
	*gone = written.live[--written.count];
	written.live[written.count] = (struct written_message){0};
}

/* As daemon/live.c. */
static void write(const struct staged *staged)
{
	const struct written_message *message = &staged->message;
	struct written_message *there = find_written(message->number);

	if (staged->kind == FORMAT_DELETE) {
		unwrite(message->number);
	} else if (staged->kind == FORMAT_UPDATE) {
		if (there)
			there->receives = message->receives;
	} else {
		if (there == NULL && written.count == WRITTEN_MAX)
			explore_fail("more messages are written than this scenario has", 0);
		else
			*(there ? there : &written.live[written.count++]) = *message;
		unwrite(staged->origin);
		written.next = message->number >= written.next ? (uint8_t)(message->number + 1) : written.next;
	}
}

static int by_number(const void *a, const void *b)
{
	return ((const struct written_message *)a)->number - ((const struct written_message *)b)->number;
}

int journal_end_turn(struct journal *journal)
{
	struct keeper *keeper = (struct keeper *)(void *)journal;

	stage_record(journal);
	explore_step(&written.end_step);
	for (uint64_t i = 0; i < journal->count; i++)
		write(&journal->staged[i]);
	qsort(written.live, written.count, sizeof(written.live[0]), by_number);
	memset(journal, 0, sizeof(*journal));
	cut_judge(keeper->turn.number);
	return 0;
}

void journal_need(struct journal *journal, uint64_t features)
{
	(void)journal;
	(void)features;
}

uint64_t journal_file(const struct journal *journal)
{
	(void)journal;
	return FILE_NUMBER;
}

uint64_t journal_oldest(const struct journal *journal)
{
	return journal_file(journal);
}

uint64_t journal_files(const struct journal *journal)
{
	(void)journal;
	return 1;
}

bool journal_is_prepared(const struct journal *journal)
{
	(void)journal;
	return true;
}

uint64_t journal_room(const struct journal *journal)
{
	(void)journal;
	return written.is_full ? 0 : UINT64_MAX;
}

uint32_t journal_spares(const struct journal *journal)
{
	(void)journal;
	return 1;
}

int journal_prepare(struct journal *journal, uint32_t spares)
{
	(void)journal;
	(void)spares;
	return written.is_full ? -ENOSPC : 0;
}

void journal_keep_spares(struct journal *journal, uint32_t spares)
{
	(void)journal;
	(void)spares;
}

void journal_repair(struct journal *journal)
{
	(void)journal;
	explore_fail("a turn failed", 0);
}

int journal_drop_oldest(struct journal *journal)
{
	(void)journal;
	return -1;
}

int journal_error(const struct journal *journal)
{
	(void)journal;
	return 0;
}

/* No queue is aside here: each can be opened. */
int64_t aside_copy(struct turn *turn, uint64_t file)
{
	(void)turn;
	(void)file;
	return 0;
}

/* ---- the keeper: as daemon/journaling.c ---------------------------------------------------------- */

static void make_turn(int actor)
{
	struct turn *turn = &keeper_of(actor)->turn;

	turn->number = seg_turn_begin(&engine_page);
	cut_turn_begins();
	if (turn_run(turn, &engine_page))
		explore_fail("a turn failed", 0);
	for (size_t i = 0; i < turn->queue_count; i++)
		store_seq(&turn->queues[i]->segment->header->journaled_by, directory_of(actor)->liveness.key);
	turn_settle(turn);
	seg_turn_done(&engine_page, turn->number);
}

/* What the journal says is alive of one queue, as if it had been read. */
struct found {
	struct recovery recovery;
	struct live_queue queue;
	struct live_message *chunk;
	struct live_message message[WRITTEN_MAX];
	uint32_t order[WRITTEN_MAX];
};

static void find_written_of(int queue, struct found *found)
{
	uint32_t count = 0;

	*found = (struct found){.chunk = found->message,
				.queue.definition.queue = (uint32_t)queue + 1,
				.recovery.live = {.chunks = &found->chunk, .order = found->order}};
	strcpy(found->queue.definition.name, world_name(queue));
	for (int i = 0; i < written.count; i++) {
		const struct written_message *message = &written.live[i];

		if (message->queue != queue)
			continue;
		found->order[count] = count;
		found->message[count++] = (struct live_message){.number = message->number,
								.queue = (uint32_t)queue + 1,
								.id = {message->id[0], message->id[1]},
								.receives = message->receives,
								.file = FILE_NUMBER,
								.bytes = MESSAGE_BYTES};
	}
	found->recovery.live.used = found->queue.count = count;
}

static void recover_one(int actor, int queue)
{
	struct keeper *keeper = keeper_of(actor);
	struct journaled *journaled = &keeper->queue[keeper->turn.queue_count];
	struct recovered report;
	struct found found;
	int error;

	find_written_of(queue, &found);
	found.recovery.turn = &keeper->turn;
	found.recovery.drafts.directory = directory_of(actor);
	error = recover_queue(&found.recovery, &found.queue, journaled, &report);
	if (error)
		explore_fail("a queue could not be recovered: %lld", (uint64_t)(int64_t)error);
	else
		keeper->queues[keeper->turn.queue_count++] = journaled;
}

bool journal_is_kept(void)
{
	int keeper = written.keeper;

	return keeper == DRAINER || (keeper < ACTORS_MAX && explore_actor(keeper)->status != ACTOR_DEAD);
}

/* Does nothing while another one lives, who has the lock of the folder. */
void call_journal_start(int actor, unsigned unused)
{
	struct keeper *keeper = keeper_of(actor);

	(void)unused;
	explore_step(&world.life);
	if (journal_is_kept() && actor != DRAINER)
		return;
	memset(keeper, 0, offsetof(struct keeper, group));
	written.keeper = (uint8_t)actor;
	os_clock_start(&keeper->turn.clock);
	keeper->turn.journal = &keeper->journal;
	keeper->turn.queues = keeper->queues;
	keeper->turn.file_bytes = MEGABYTE;
	keeper->turn.next_number = written.next;
	recover_one(actor, QUEUE);
	if (header_of(QUEUE)->attribute[ATTRIBUTE_RECEIVES_MAX] != 0)
		recover_one(actor, DLQ);
	if (explore_failed())
		return;
	make_turn(actor);
	store_seq(&engine_page.journal_error, 0);
	store_seq(&engine_page.journal_key, directory_of(actor)->liveness.key);
}

void call_turn(int actor, unsigned unused)
{
	(void)unused;
	if (written.keeper == actor)
		make_turn(actor);
}

void call_disk(int actor, unsigned is_full)
{
	(void)actor;
	explore_step(&written.end_step);
	written.is_full = (uint8_t)is_full;
}

void journal_judge_wait(void)
{
	if (!world_is_sync() && world.now_ms == written.ready_ms)
		explore_fail("an async call waits though nothing is late", 0);
}

void journal_play(void)
{
	int was = acting();

	act_as(written.keeper);
	make_turn(written.keeper);
	act_as(was);
}

void journal_leave(int actor)
{
	struct keeper *keeper = keeper_of(actor);

	for (size_t i = 0; keeper && i < keeper->turn.queue_count; i++)
		seg_close(keeper->queue[i].segment);
}
