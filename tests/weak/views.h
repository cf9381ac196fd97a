/* The state of the model: the messages of each word, and who may read which. Inside tests/weak/model.c. */
#ifndef WEAK_VIEWS_H
#define WEAK_VIEWS_H

#include "tests/interleave/explore.h"
#include "tests/weak/model.h"

enum { WORDS_MAX = 32, MESSAGES_MAX = 192 };

typedef struct {
	uint8_t at[WORDS_MAX];
} view;

/* Whose view: of each actor what it may not read behind, what it may not after an acquire fence, and what it knew
 * at its last release fence; and one of the last seq_cst store to each word and of what seq_cst fences knew. */
enum { KNOWN = 0, LOADED = ACTORS_MAX, FENCED = 2 * ACTORS_MAX, SEQ = 3 * ACTORS_MAX, VIEW_COUNT };

struct message {
	uint64_t value;
	view released;
};

/* Of a state. The newest value of each word is also in its place, for whoever looks without an access. */
struct memory {
	view views[VIEW_COUNT];
	const struct site_frame *amid[ACTORS_MAX + 1];
	uint8_t count[WORDS_MAX]; /* of messages */
	uint8_t stale_left;
	uint8_t padding[7];
};
extern struct memory memory;

/* The words that have messages: those that some actor writes. Found by running. */
struct word {
	const void *address;
	uint8_t bytes;
};
extern struct word words[WORDS_MAX];

/* Of the present search. */
struct search {
	bool judges_data, only_acquires, has_fences;
};
extern struct search search;

uint64_t now_at(const void *address, size_t bytes);
/* Index of a word that has messages; -1 for others, and in the final checks. */
int word_find(const volatile void *address);
/* The same for who writes: a word that is written has to have messages from the start. */
int word_of_write(const volatile void *address, size_t bytes);
/* What the search should have known from the start. */
void begin_anew(void);

view *mine(int kind); /* of the present actor: KNOWN, LOADED, FENCED */
void join(view *into, const view *other);
bool is_covered(const view *small, const view *by, const view *or_by);

struct message *message_at(unsigned word, unsigned index);
unsigned newest(unsigned word);
void write_behind(unsigned word, uint64_t value, const view *released);
/* After each operation: what everybody has gone beyond is forgotten. */
void forget_old(void);

#endif
