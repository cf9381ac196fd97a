/* One file of notes: FOLDER/NAME.json. Read with distrust; written beside, flushed, renamed. */
#ifndef GATEWAY_NOTES_FILE_H
#define GATEWAY_NOTES_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

enum { NOTES_BYTES_MAX = 1 << 20 };

/* Which file it is: one that replaces it has another number or time. */
struct notes_file_id {
	uint64_t device, number;
	int64_t changed_ns, bytes;
};

static inline bool notes_file_is_same(const struct notes_file_id *a, const struct notes_file_id *b)
{
	return a->device == b->device && a->number == b->number && a->changed_ns == b->changed_ns &&
	       a->bytes == b->bytes;
}

/* False: there is none. */
bool notes_file_look(const char *folder, const char *name, struct notes_file_id *ret_id);

/* *ret_notes NULL: there is none, or it is none of ours, which is then said on stderr. `ret_id` is of what was
 * read. 0, or -EMFILE, -ENFILE, -ENOMEM: whether it is ours cannot be known now. */
int notes_file_read(const char *folder, const char *name, json_t **ret_notes, struct notes_file_id *ret_id);

/* Replaces it; one that is none of ours is put aside as NAME.json.damaged. 0 or a negative errno. With the folder
 * locked. */
int notes_file_write(const char *folder, const char *name, json_t *notes);

void notes_file_remove(const char *folder, const char *name);

/* What was made, replaced or removed in it is so after a power cut. 0 or a negative errno. */
int notes_folder_flush(const char *folder);

/* Makes the folder if it is missing, and waits for other processes that change notes in it: a descriptor, or a
 * negative errno. The lock ends with its process. */
int notes_folder_lock(const char *folder);
void notes_folder_unlock(int lock);

#endif
