#include "tests/crash/durable_stage.h"

#include "client/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char found[TAGS_ALL];
static uint64_t words;
static bool only_words;
static char fault[FAILURE_BYTES];

static __attribute__((format(printf, 1, 2))) void note(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (fault[0] == '\0')
		vsnprintf(fault, sizeof(fault), format, arguments);
	va_end(arguments);
}

/* DEAD and MOVING are on their way and still here; of MOVED the copy counts. */
static bool is_there(struct slot_word word)
{
	const uint32_t there = 1u << SLOT_PENDING | 1u << SLOT_READY | 1u << SLOT_LEASED | 1u << SLOT_DELAYED |
			       1u << SLOT_DEAD | 1u << SLOT_MOVING;

	return there >> word_state(word) & 1;
}

static void look_at_slot(struct stage *stage, struct segment *segment, uint32_t ring, uint32_t index)
{
	const struct slot *slot = &segment->ring[ring].slots[index];
	struct slot_word word = slot_read_stable(slot);
	struct slot_message message = message_read(&slot->message);
	const unsigned char *payload;
	unsigned tag;

	words = (words ^ word.bits.low) * UINT64_C(0x9e3779b97f4a7c15);
	words = (words ^ word.bits.high) * UINT64_C(0x9e3779b97f4a7c15);
	if (only_words || !is_there(word))
		return;
	payload = message_payload(segment, slot, &message, place_pack(ring, index, word_generation(word)));
	if (payload == NULL || message.body_bytes < sizeof(tag)) {
		note("%s: a message without its body", segment->name);
		return;
	}
	memcpy(&tag, payload, sizeof(tag));
	if (tag >= atomic_load(&stage->next_tag))
		note("%s: a message that nobody sent", segment->name);
	else if (++found[tag] > 1)
		note("message %u is there twice, once in %s", tag, segment->name);
	for (uint32_t i = sizeof(tag); tag < TAGS_ALL && i < message.body_bytes; i++)
		if (payload[i] != (unsigned char)tag) {
			note("message %u has another body", tag);
			return;
		}
}

static void look_at_queue(struct stage *stage, struct rlq_directory *directory, const char *name)
{
	struct rlq_queue *queue;
	int error = rlq_queue_open(directory, name, &queue);

	if (error) {
		note("%s cannot be opened: %s", name, rlq_strerror(error));
		return;
	}
	error = seg_enter(queue->seg);
	for (uint32_t i = 0; i < SEG_RING_COUNT && !error; i++)
		for (uint32_t slot = 0; queue->seg->listed >> i & 1 && slot <= queue->seg->ring[i].mask; slot++)
			look_at_slot(stage, queue->seg, i, slot);
	if (!error)
		seg_leave(queue->seg);
	rlq_queue_close(queue);
}

/* The words of all slots, in one number. */
static uint64_t look_at_all(struct stage *stage, struct rlq_directory *directory, bool is_for_words)
{
	only_words = is_for_words;
	words = 0;
	for (int i = 0; i < STAGE_QUEUES; i++)
		look_at_queue(stage, directory, stage_names[i]);
	return words;
}

/* The engine moves what is DEAD meanwhile: what was seen counts if no word has changed by the time that all was. */
static void find_all(struct stage *stage, struct rlq_directory *directory)
{
	uint64_t seen;

	do {
		memset(found, 0, atomic_load(&stage->next_tag));
		fault[0] = '\0';
		seen = look_at_all(stage, directory, false);
	} while (look_at_all(stage, directory, true) != seen);
	if (fault[0])
		stage_fail(stage, "%s", fault);
}

static const char *wrong_with(unsigned known, bool is_found, bool was_reboot)
{
	bool is_lost = !is_found && !(known & TAG_DELETE_TRIED) && !(known & TAG_GONE);

	if (is_found && !(known & TAG_TRIED))
		return "was never sent";
	if (is_found && known & TAG_GONE)
		return "was gone for good, and is back";
	if (is_found && !was_reboot && known & TAG_DELETE_ACCEPTED)
		return "was deleted, and is back though only the engine died";
	if (is_lost && known & TAG_DURABLE)
		return "was acknowledged, and is lost";
	if (is_lost && !was_reboot && known & TAG_ACCEPTED)
		return "was accepted, and is lost though only the engine died";
	return NULL;
}

static void judge_messages(struct stage *stage, bool was_reboot)
{
	int live = 0;

	for (unsigned tag = 0; tag < atomic_load(&stage->next_tag); tag++) {
		const char *wrong = wrong_with(atomic_load(&stage->tag[tag]), found[tag], was_reboot);

		if (wrong)
			stage_fail(stage, "message %u (%#x) %s", tag, atomic_load(&stage->tag[tag]), wrong);
		live += found[tag];
		atomic_store(&stage->tag[tag],
			     found[tag] ? TAG_TRIED | TAG_ACCEPTED | TAG_DURABLE : TAG_TRIED | TAG_GONE);
	}
	atomic_store(&stage->live, live);
}

static void judge_passing(struct stage *stage, struct rlq_directory *directory)
{
	struct rlq_queue *queue;
	int error = rlq_queue_open(directory, STAGE_PASSING, &queue);
	enum passing was = atomic_load(&stage->passing);

	if (error && error != RLQ_ENOQUEUE)
		stage_fail(stage, "%s: %s", STAGE_PASSING, rlq_strerror(error));
	else if (error && was == PASSING_THERE)
		stage_fail(stage, "a queue that was made is not there");
	else if (!error && was == PASSING_GONE)
		stage_fail(stage, "a queue that was removed is back");
	atomic_store(&stage->passing, error ? PASSING_GONE : PASSING_THERE);
	if (!error)
		rlq_queue_close(queue);
}

static void note_fault(void *context, const char *text)
{
	stage_fail(context, "verify: %s", text);
}

void stage_judge(struct stage *stage, bool was_reboot)
{
	struct rlq_directory *directory;

	if (rlq_directory_open(stage->queues, &directory) != 0) {
		stage_fail(stage, "the directory cannot be opened");
		return;
	}
	find_all(stage, directory);
	for (int i = 0; i < STAGE_QUEUES; i++)
		rlq_verify(directory, stage_names[i], note_fault, stage);
	judge_messages(stage, was_reboot);
	judge_passing(stage, directory);
	rlq_directory_close(directory);
}
