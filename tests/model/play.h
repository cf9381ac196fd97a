/* Plays a script on a driver and, beside it, on the model, which judges each answer. */
#ifndef MODEL_PLAY_H
#define MODEL_PLAY_H

#include "tests/model/driver.h"

enum verdict { GOOD, BAD, SKIPPED };

struct played {
	enum verdict verdict;
	int at; /* BAD: which operation */
	char why[FAULT_BYTES];
	uint64_t sends, duplicates, receives, moves, refused; /* what it came to */
};

void play(const struct driver *driver, const struct script *script, struct played *ret_played);

/* The shortest part of a bad script, with the smallest times, that breaks the same rule; `*ret_played` is of it. */
void shrink(const struct driver *driver, struct script *script, struct played *ret_played);

/* Is it the same rule that two sentences name? */
bool is_same_rule(const char *why, const char *other);

#endif
