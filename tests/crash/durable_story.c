#include "tests/crash/durable_story.h"

#include "ringlease-engine.h"
#include "tests/crash/durable_stage.h"

#include <stdio.h>
#include <string.h>

enum { NUMBERS_MOST = 64 };

static const char *const verb_names[] = {"send to", "receive from", "delete from", "release to"};
static const char *const state_names[] = {"FREE", "WRITING", "PASSED", "PENDING",  "READY", "LEASED", "DELAYED",
					  "DEAD", "MOVING",  "MOVED",  "ARRIVING", "DONE",  "HELD"};
_Static_assert(sizeof(state_names) / sizeof(*state_names) == SLOT_STATE_COUNT, "a name for each");

/* ---- written down ----------------------------------------------------------------------------- */

struct story_call *story_begin(struct story *story, const char *queue, enum story_verb verb, uint32_t message)
{
	struct story_call *call = &story->call[atomic_fetch_add(&story->calls, 1) % STORY_CALLS];

	*call = (struct story_call){.queue = queue,
				    .start_ns = history_now_ns(),
				    .message = message,
				    .life = atomic_load(&story->lives),
				    .result = STORY_OPEN,
				    .verb = verb};
	return call;
}

void story_end(struct story_call *call, int result)
{
	call->end_ns = history_now_ns();
	call->result = result;
}

/* The first one has number 1. */
static struct story_life *life_of(struct story *story, uint32_t life)
{
	return &story->life[life % STORY_LIVES];
}

void story_life_begins(struct story *story, bool is_plain, bool is_after_reboot)
{
	*life_of(story, atomic_load(&story->lives) + 1) = (struct story_life){
		.start_ns = history_now_ns(), .is_plain = is_plain, .is_after_reboot = is_after_reboot};
	atomic_fetch_add(&story->lives, 1);
}

void story_life_ends(struct story *story, const char *end)
{
	struct story_life *life = life_of(story, atomic_load(&story->lives));

	life->end_ns = history_now_ns();
	life->end = end;
}

void story_is_about(struct story *story, bool is_fifo, uint32_t message)
{
	if (story->has_message)
		return;
	story->message = message;
	story->is_fifo = is_fifo;
	story->has_message = true;
}

/* ---- told ------------------------------------------------------------------------------------- */

static double seconds(const struct story *story, int64_t ns)
{
	return (double)(ns - story->life[1].start_ns) / 1e9;
}

/* Without a queue: who wrote it down was killed in that. */
static bool is_it(const struct story *story, const char *queue, uint32_t message)
{
	return queue && message == story->message && (strstr(queue, ".fifo") != NULL) == story->is_fifo;
}

static bool is_body_of_it(const struct story *story, const char *queue, const void *body)
{
	uint32_t message;

	memcpy(&message, body, sizeof(message));
	return is_it(story, queue, message);
}

static uint32_t tell_calls(const struct story *story)
{
	uint32_t all = atomic_load(&story->calls), first_life = 0;

	for (uint32_t i = all > STORY_CALLS ? all - STORY_CALLS : 0; i < all; i++) {
		const struct story_call *call = &story->call[i % STORY_CALLS];

		if (!is_it(story, call->queue, call->message))
			continue;
		if (first_life == 0)
			first_life = call->life;
		printf("  %9.6f s, life %u: %s %s", seconds(story, call->start_ns), call->life,
		       verb_names[call->verb], call->queue);
		if (call->result == STORY_OPEN)
			printf(": no answer\n");
		else
			printf(": %d (%s) at %.6f s\n", call->result,
			       call->result < 0 ? rlq_strerror(call->result) : "done",
			       seconds(story, call->end_ns));
	}
	return first_life;
}

static void tell_lives(const struct story *story, uint32_t first)
{
	uint32_t last = atomic_load(&story->lives);

	for (uint32_t i = first; i > 0 && i <= last; i++) {
		const struct story_life *life = &story->life[i % STORY_LIVES];

		printf("  life %u: %s, from %.6f s%s", i, life->is_plain ? "plain" : "io_uring",
		       seconds(story, life->start_ns), life->is_after_reboot ? " after a reboot" : "");
		if (life->end)
			printf(", ended at %.6f s: %s", seconds(story, life->end_ns), life->end);
		putchar('\n');
	}
}

static void tell_slot(struct stage_looks *looks, const struct stage_found *at)
{
	if (is_body_of_it(looks->context, at->queue, at->payload))
		printf("  there: %s, generation %llu, %s, word %#llx; id %016llx%016llx, sent %#llx\n", at->queue,
		       (unsigned long long)word_generation(at->word), state_names[word_state(at->word)],
		       (unsigned long long)at->word.bits.high, (unsigned long long)at->message.id[0],
		       (unsigned long long)at->message.id[1], (unsigned long long)at->message.sent);
}

static void tell_slots(const struct stage *stage)
{
	struct stage_looks looks = {
		.has_begun = true, .each = tell_slot, .context = (void *)(uintptr_t)&stage->story};
	const char *const *names = stage->story.is_fifo ? fifo_names : stage_names;
	int count = stage->story.is_fifo ? (int)FIFO_QUEUES : (int)STAGE_QUEUES;
	struct rlq_directory *directory;

	if (rlq_directory_open(stage->queues, &directory) != 0)
		return;
	for (int i = 0; i < count; i++)
		stage_look(&looks, directory, names[i]);
	rlq_directory_close(directory);
}

/* Under which numbers the journal has had it. */
struct numbers {
	const struct story *story;
	uint64_t number[NUMBERS_MOST];
	unsigned count;
};

static bool is_known(const struct numbers *numbers, uint64_t number)
{
	for (unsigned i = 0; i < numbers->count; i++)
		if (numbers->number[i] == number)
			return true;
	return false;
}

static int tell_record(void *context, const struct rlq_journal_record *record)
{
	struct numbers *numbers = context;
	bool is_message = record->kind == RLQ_JOURNAL_MESSAGE;
	bool is_its = is_message ? record->body_bytes >= sizeof(uint32_t) &&
					   is_body_of_it(numbers->story, record->queue, record->body)
				 : is_known(numbers, record->number);

	if (is_message && is_its && !is_known(numbers, record->number) && numbers->count < NUMBERS_MOST)
		numbers->number[numbers->count++] = record->number;
	if (is_its || (is_message && is_known(numbers, record->moved_number)))
		printf("  journal: %s, frame %llu, turn %llu: %s number %llu, instead of %llu, in %s, sequence "
		       "%llu, "
		       "received %u times\n",
		       record->file, (unsigned long long)record->frame, (unsigned long long)record->turn,
		       is_message			    ? "message"
		       : record->kind == RLQ_JOURNAL_DELETE ? "deletes"
							    : "updates",
		       (unsigned long long)record->number, (unsigned long long)record->moved_number, record->queue,
		       (unsigned long long)record->sequence, record->receive_count);
	return 0;
}

void story_tell(const struct stage *stage)
{
	const struct story *story = &stage->story;
	struct rlq_journal_summary summary = RLQ_JOURNAL_SUMMARY_INIT;
	struct numbers numbers = {.story = story};

	if (!story->has_message)
		return;
	printf("  of message %u, in seconds since the first engine began, at %lld us:\n", story->message,
	       (long long)(story->life[1].start_ns / 1000));
	tell_lives(story, tell_calls(story));
	tell_slots(stage);
	rlq_journal_dump(stage->data, NULL, tell_record, &numbers, &summary);
}
