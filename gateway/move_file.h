/* The file of an active move task, beside the notes of its source: FOLDER/moving/NAME.ID, with the number of
 * messages moved. Who runs the task holds its lock, which ends with the process: a file that is there and not
 * locked is a task to go on with. It is there before the task is in the notes, and goes after these say how it
 * ended. */
#ifndef GATEWAY_MOVE_FILE_H
#define GATEWAY_MOVE_FILE_H

#include <stdbool.h>
#include <stdint.h>

struct move_place {
	const char *folder; /* of notes */
	const char *source, *id;
};

/* A new one, locked and on the disk: its descriptor, or a negative errno. */
int move_file_make(const struct move_place *place);

/* The one that is there, locked: its descriptor; -EBUSY: somebody runs the task; or a negative errno. */
int move_file_take(const struct move_place *place);

void move_file_write(int file, uint64_t moved);
/* 0 if there is no number. */
uint64_t move_file_read(int file);

/* The number in a file that others may have locked. Makes it if it is missing, so that a task which is active by
 * its notes is found by somebody, whatever has become of its file. */
uint64_t move_file_peek(const struct move_place *place);

void move_file_remove(const struct move_place *place);

/* Looks at each. */
void move_file_each(const char *folder, void (*look)(void *context, const struct move_place *place), void *context);

#endif
