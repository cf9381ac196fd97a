#include "tests/weak/views.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct memory memory;
struct word words[WORDS_MAX];
struct search search;
static struct message messages[MESSAGES_MAX]; /* by word, then by age */

static unsigned word_count, found_count; /* known to this search; to the next */
static bool grown;

static size_t messages_live(void)
{
	size_t count = 0;

	for (unsigned w = 0; w < word_count; w++)
		count += memory.count[w];
	return count * sizeof(struct message);
}

uint64_t now_at(const void *address, size_t bytes)
{
	uint64_t value = 0;

	memcpy(&value, address, bytes);
	return value;
}

void model_forget(void)
{
	found_count = 0;
	search.has_fences = grown = false;
}

bool model_has_grown(void)
{
	bool has = grown;

	grown = false;
	return has;
}

void model_begin(struct model_terms terms)
{
	memset(&memory, 0, sizeof(memory));
	memset(messages, 0, sizeof(messages));
	memory.stale_left = (uint8_t)terms.stale;
	search.judges_data = terms.has_data;
	search.only_acquires = terms.only_acquires;
	word_count = found_count;
	for (unsigned w = 0; w < word_count; w++) {
		memory.count[w] = 1;
		messages[w].value = now_at(words[w].address, words[w].bytes);
	}
	explore_remember(&memory, sizeof(memory));
	explore_remember_live(messages, messages_live);
}

/* ---- views ---------------------------------------------------------------------------------------- */

void join(view *into, const view *other)
{
	for (unsigned w = 0; w < WORDS_MAX; w++)
		if (other->at[w] > into->at[w])
			into->at[w] = other->at[w];
}

bool is_covered(const view *small, const view *by, const view *or_by)
{
	for (unsigned w = 0; w < word_count; w++)
		if (small->at[w] > by->at[w] && small->at[w] > or_by->at[w])
			return false;
	return true;
}

struct message *message_at(unsigned word, unsigned index)
{
	for (unsigned w = 0; w < word; w++)
		index += memory.count[w];
	return &messages[index];
}

unsigned newest(unsigned word)
{
	return memory.count[word] - 1u;
}

view *mine(int kind)
{
	return &memory.views[kind + explore_current()];
}

static void renumber(view *of, unsigned word, unsigned older_than)
{
	of->at[word] = (uint8_t)(of->at[word] > older_than ? of->at[word] - older_than : 0);
}

/* What everybody has gone beyond is forgotten, and ages are counted from there. */
static void forget(unsigned word, unsigned older_than)
{
	struct message *first = message_at(word, 0);
	size_t live = messages_live() / sizeof(*first);

	memmove(first, first + older_than, (size_t)(messages + live - first - older_than) * sizeof(*first));
	memset(messages + live - older_than, 0, older_than * sizeof(*first));
	memory.count[word] = (uint8_t)(memory.count[word] - older_than);
	for (unsigned i = 0; i < VIEW_COUNT; i++)
		renumber(&memory.views[i], word, older_than);
	for (unsigned i = 0; i < live - older_than; i++)
		renumber(&messages[i].released, word, older_than);
}

void forget_old(void)
{
	for (unsigned w = 0; w < word_count; w++) {
		unsigned oldest = newest(w);

		for (int i = 0; i < explore_actor_count() && (memory.stale_left > 0 || search.judges_data); i++) {
			uint8_t status = explore_actor(i)->status;

			if (status != ACTOR_FINISHED && status != ACTOR_DEAD &&
			    memory.views[KNOWN + i].at[w] < oldest)
				oldest = memory.views[KNOWN + i].at[w];
		}
		if (oldest > 0)
			forget(w, oldest);
	}
}

/* ---- words ---------------------------------------------------------------------------------------- */

int word_find(const volatile void *address)
{
	for (unsigned w = 0; w < word_count && explore_current() != ACTORS_MAX; w++)
		if (words[w].address == address)
			return (int)w;
	return -1;
}

/* What the search should have known from the start. */
void begin_anew(void)
{
	grown = true;
	explore_fail("the search begins anew", 0);
}

/* A word that is written has to have messages from the start. */
int word_of_write(const volatile void *address, size_t bytes)
{
	int word = word_find(address);

	if (word >= 0 || explore_current() == ACTORS_MAX)
		return word;
	for (unsigned w = word_count; w < found_count; w++)
		if (words[w].address == address)
			return -1;
	if (found_count == WORDS_MAX) {
		fprintf(stderr, "weak: too many words\n");
		exit(1);
	}
	words[found_count].address = (const void *)address;
	words[found_count++].bytes = (uint8_t)bytes;
	begin_anew();
	return -1;
}

void write_behind(unsigned word, uint64_t value, const view *released)
{
	struct message *next = message_at(word, memory.count[word]);
	size_t live = messages_live() / sizeof(*next);

	if (live == MESSAGES_MAX || memory.count[word] == UINT8_MAX) {
		fprintf(stderr, "weak: too many messages\n");
		exit(1);
	}
	memmove(next + 1, next, (size_t)(messages + live - next) * sizeof(*next));
	memory.count[word]++;
	next->value = value;
	next->released = *released;
	next->released.at[word] = (uint8_t)newest(word);
	mine(KNOWN)->at[word] = (uint8_t)newest(word);
}
