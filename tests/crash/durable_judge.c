#include "tests/crash/durable_stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char found[TAGS_ALL];

void stage_note(struct stage_looks *looks, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (looks->fault[0] == '\0')
		vsnprintf(looks->fault, sizeof(looks->fault), format, arguments);
	va_end(arguments);
}

/* DEAD and MOVING are on their way and still here; of MOVED the copy counts. */
static bool is_there(struct slot_word word)
{
	const uint32_t there = 1u << SLOT_PENDING | 1u << SLOT_READY | 1u << SLOT_LEASED | 1u << SLOT_DELAYED |
			       1u << SLOT_DEAD | 1u << SLOT_MOVING;

	return there >> word_state(word) & 1;
}

static bool has_begun(const struct slot *slot, struct slot_word word)
{
	const uint32_t begun = 1u << SLOT_WRITING | 1u << SLOT_PASSED;

	return begun >> word_state(word) & 1 && load_relaxed(&fifo_links(slot)->sequence) != 0;
}

static void look_at_slot(struct stage_looks *looks, struct segment *segment, uint32_t ring, uint32_t index)
{
	const struct slot *slot = &segment->ring[ring].slots[index];
	struct slot_word word = slot_read_stable(slot);
	struct stage_found at = {
		.queue = segment->name, .slot = slot, .word = word, .message = message_read(&slot->message)};

	looks->words = (looks->words ^ word.bits.low) * UINT64_C(0x9e3779b97f4a7c15);
	looks->words = (looks->words ^ word.bits.high) * UINT64_C(0x9e3779b97f4a7c15);
	if (looks->each == NULL || !(is_there(word) || (looks->has_begun && has_begun(slot, word))))
		return;
	at.payload = message_payload(segment, slot, &at.message, place_pack(ring, index, word_generation(word)));
	if ((at.payload == NULL || at.message.body_bytes < sizeof(unsigned)) && !is_there(word))
		return; /* not written yet */
	if (at.payload == NULL || at.message.body_bytes < sizeof(unsigned))
		stage_note(looks, "%s: a message without its body", segment->name);
	else
		looks->each(looks, &at);
}

void stage_look(struct stage_looks *looks, struct rlq_directory *directory, const char *name)
{
	struct rlq_queue *queue;
	int error = rlq_queue_open(directory, name, &queue);

	if (error) {
		stage_note(looks, "%s cannot be opened: %s", name, rlq_strerror(error));
		return;
	}
	error = seg_enter(queue->seg);
	for (uint32_t i = 0; i < SEG_RING_COUNT && !error; i++)
		for (uint32_t slot = 0; queue->seg->listed >> i & 1 && slot <= queue->seg->ring[i].mask; slot++)
			look_at_slot(looks, queue->seg, i, slot);
	if (!error)
		seg_leave(queue->seg);
	rlq_queue_close(queue);
}

static void count_tag(struct stage_looks *looks, const struct stage_found *at)
{
	struct stage *stage = looks->context;
	unsigned tag;

	memcpy(&tag, at->payload, sizeof(tag));
	if (tag >= atomic_load(&stage->next_tag))
		stage_note(looks, "%s: a message that nobody sent", at->queue);
	else if (++found[tag] > 1) {
		story_is_about(&stage->story, false, tag);
		stage_note(looks, "message %u is there twice, once in %s", tag, at->queue);
	}
	for (uint32_t i = sizeof(tag); tag < TAGS_ALL && i < at->message.body_bytes; i++)
		if (at->payload[i] != (unsigned char)tag) {
			stage_note(looks, "message %u has another body", tag);
			return;
		}
}

static void look_at_all(struct stage_looks *looks, struct rlq_directory *directory)
{
	for (int i = 0; i < STAGE_QUEUES; i++)
		stage_look(looks, directory, stage_names[i]);
}

/* The engine moves what is DEAD meanwhile: what was seen counts if no word has changed by the time that all was. */
static void find_all(struct stage *stage, struct rlq_directory *directory)
{
	struct stage_looks seen, again;

	do {
		seen = (struct stage_looks){.each = count_tag, .context = stage};
		again = (struct stage_looks){0};
		stage->story.has_message = false;
		memset(found, 0, atomic_load(&stage->next_tag));
		look_at_all(&seen, directory);
		look_at_all(&again, directory);
	} while (seen.words != again.words);
	if (seen.fault[0])
		stage_fail(stage, "%s", seen.fault);
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

		if (wrong) {
			story_is_about(&stage->story, false, tag);
			stage_fail(stage, "message %u (%#x) %s", tag, atomic_load(&stage->tag[tag]), wrong);
		}
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
