/* What an engine says of its way back from the journal: how far it is, at most once a second, and what came of it.
 * How far they are is also said of who only reads a journal, or copies it. */
#ifndef ENGINE_ACCOUNT_H
#define ENGINE_ACCOUNT_H

#include "daemon/recover.h"
#include "daemon/replay.h"

struct account {
	void (*say)(void *context, const char *format, ...) __attribute__((format(printf, 2, 3)));
	void *context;
	const char *path; /* of the journal */
	uint64_t begun_ms, told_ms;
	uint64_t queues, messages; /* that are back */
};

enum { ACCOUNT_EVERY_MS = 1000 };

/* The first three fields are the caller's. */
void account_begin(struct account *account);

/* While it is read: so many bytes of all, with so many messages that live as yet. */
void account_reading(struct account *account, uint64_t bytes, uint64_t bytes_all, uint64_t messages);
/* While it is copied: so many bytes as yet. */
void account_copying(struct account *account, uint64_t bytes);
/* Then: so many messages of the queue have their place. */
void account_restoring(struct account *account, const char *queue, uint64_t messages, uint64_t messages_all);

/* What was read, what was cut off, what is damaged. Nothing of a journal that is new. */
void account_replayed(const struct account *account, const struct replay_report *report);
void account_queue(struct account *account, const char *queue, const struct recovered *recovered);
/* Messages of queues of which no definition was found. */
void account_lost(const struct account *account, uint64_t messages);
void account_end(const struct account *account);

#endif
