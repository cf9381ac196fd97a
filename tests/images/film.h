/* A film: what a run has left in memory after each of its instructions, as a sequence of images. An image is
 * kept as what has changed since the one before. */
#ifndef TEST_IMAGES_FILM_H
#define TEST_IMAGES_FILM_H

#include "tests/images/files.h"
#include "tests/images/stage.h"
#include "tests/images/trace.h"

enum { IMAGES_MAX = 200000, CHANGES_MAX = 1000000 };

/* What was known of the messages, as far as a victim can change it. */
struct accounts {
	struct os_clock_words clock;
	struct knowledge known;
	uint64_t random;
	uint32_t tag_count, delete_count;
	struct tag tag[];
};

struct change {
	enum { CHANGE_PAGE, CHANGE_NAMES, CHANGE_ACCOUNTS } kind;
	uint32_t file;
	uint64_t page;
	void *bytes; /* NULL: the page is gone */
};

struct image {
	struct trace_place place;
	uint64_t hash;
	uint64_t change_end; /* the changes up to here */
};

/* Lies in memory shared with the children, so that a fork need not copy its page tables. */
struct film {
	unsigned char *arena;
	size_t arena_used;
	uint64_t image_count, change_count;
	struct image image[IMAGES_MAX];
	struct change change[CHANGES_MAX];
	/* Played so far. */
	uint64_t played;
};

struct film *film_make(void);

/* `bytes` of memory that stays as long as the film. */
void *film_keep(struct film *film, size_t bytes);
void film_change(struct film *film, struct change change);

/* The accounts have changed, if they have since `seen`, which is brought up to date. */
void film_look_accounts(struct film *film, const struct stage *stage, const struct accounts **seen);
uint64_t accounts_hash(const struct accounts *accounts);

/* Has anything changed since the last image? Then it makes another. */
bool film_has_changes(const struct film *film);
void film_cut(struct film *film, struct trace_place place, uint64_t hash);

/* Makes files and accounts what they are in image `number`; only forwards. */
void film_play(struct film *film, uint64_t number, struct files *files, const struct accounts **accounts);

#endif
