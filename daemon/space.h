/* How much of each file of the journal is alive: messages whose latest record lies there. The oldest file can go
 * once it has none. */
#ifndef ENGINE_SPACE_H
#define ENGINE_SPACE_H

#include <stddef.h>
#include <stdint.h>

struct space_file {
	uint64_t messages, bytes;
};

/* Zeroed is a good start. */
struct space {
	struct space_file *files; /* of the numbers from `first` on */
	uint64_t first;
	size_t count;
	uint64_t messages, bytes; /* alive in all of them */
};

/* A record of `bytes` lies in `file` from now on. 0 or -ENOMEM. */
int space_add(struct space *space, uint64_t file, uint64_t bytes);
/* And no more. */
void space_take(struct space *space, uint64_t file, uint64_t bytes);

/* Messages alive in a file. */
uint64_t space_messages(const struct space *space, uint64_t file);

/* Files before this one are gone. */
void space_forget(struct space *space, uint64_t file);
void space_end(struct space *space);

#endif
