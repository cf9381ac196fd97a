/* What clients of a stage have asked for each message, and in which life of the engine, for who reads of a failure:
 * nothing is judged by it. Lies in shared memory. */
#ifndef TEST_DURABLE_STORY_H
#define TEST_DURABLE_STORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	STORY_CALLS = 1 << 18, /* the last ones */
	STORY_LIVES = 1 << 14,
	STORY_OPEN = INT32_MIN,
};

enum story_verb { STORY_SEND, STORY_RECEIVE, STORY_DELETE, STORY_RELEASE };

struct story_call {
	const char *queue; /* text of the program, which all processes have */
	int64_t start_ns, end_ns;
	uint32_t message, life;
	int32_t result; /* of the whole call, or STORY_OPEN: no answer */
	enum story_verb verb;
};

struct story_life {
	int64_t start_ns, end_ns;
	const char *end; /* NULL: lives */
	bool is_plain, is_after_reboot;
};

struct story {
	atomic_uint calls, lives;
	struct story_call call[STORY_CALLS];
	struct story_life life[STORY_LIVES];
	bool has_message; /* a failure is about this one */
	bool is_fifo;	  /* those of FIFO queues have numbers of their own */
	uint32_t message;
};

struct story_call *story_begin(struct story *story, const char *queue, enum story_verb verb, uint32_t message);
void story_end(struct story_call *call, int result);

/* Of the engine; `end` as above. */
void story_life_begins(struct story *story, bool is_plain, bool is_after_reboot);
void story_life_ends(struct story *story, const char *end);

/* A failure is about this message. The first one is kept. */
void story_is_about(struct story *story, bool is_fifo, uint32_t message);

struct stage;
/* Prints all that is known of that message: the calls, the lives, where it lies, and what the journal has of it. */
void story_tell(const struct stage *stage);

#endif
