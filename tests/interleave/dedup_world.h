/* Deduplication under the explorer: a few messages, each in a slot of its own, two tables, and who decides them. */
#ifndef INTERLEAVE_DEDUP_WORLD_H
#define INTERLEAVE_DEDUP_WORLD_H

#include "ring/dedup.h"

enum {
	DEDUP_MESSAGES = 4, /* the last is that of the final checks */
	DEDUP_KEYS = 3,	    /* all with the same probe */
	DEDUP_TABLES = 2,
	DEDUP_GENERATION = 5,
	DEDUP_WINDOW = 2000,
	DEDUP_OLD = 10000,					     /* boot clock */
	DEDUP_NOW = DEDUP_OLD + DEDUP_WINDOW + DEDUP_MARGIN_MS + 10, /* past the window of what is old */
	DEDUP_LATER = DEDUP_NOW + 2, /* when an older table is settled, and the end */
};

/* Lists of tables: which of the two are on it. */
enum { LIST_OLDER = 1, LIST_BOTH = 3, LIST_NEWER = 2 };

/* One message: what was decided of it, by whomever. */
struct dedup_account {
	uint64_t boot_ms, sequence, purged, voided;
	uint8_t key, is_first, goes;
	uint8_t was_there; /* decided before everybody else came */
	uint8_t padding[4];
};

/* Tables of 2^order cells; `words_apart`: the words of entries are copied and read one by one. */
void dedup_world_begin(uint32_t order, uint64_t list, bool words_apart);
/* A message that was there before: decided to be first with its key; published, or its owner is dead. */
void dedup_start_first(unsigned message, unsigned key, uint64_t boot_ms, bool is_published);

/* Sends: stamps, joins, decides, publishes. `old_list`: it has read the list before everything else. */
int add_dedup_sender(const char *name, unsigned message, unsigned key, uint64_t boot_ms, uint64_t old_list);
/* Decides what has joined, and does what the owner would do. */
int add_dedup_helper(const char *name, unsigned message);
/* Sent what others have decided since, and asks late. */
int add_dedup_owner(const char *name, unsigned message);
/* Deletes what was published, and uses the slot again. */
int add_dedup_freer(const char *name, unsigned message);
/* Takes back what was published. */
int add_dedup_voider(const char *name, unsigned message);
int add_dedup_purger(const char *name);
/* Appends the newer table. */
int add_dedup_appender(const char *name);
/* Settles the older one and drops it. */
int add_dedup_dropper(const char *name);

#endif
