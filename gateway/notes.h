/* What the API knows of a queue and the library does not: tags, policies, settings that are only kept, message move
 * tasks. One JSON file for each queue: {"created_ms": ..., "tags": {...}, "attributes": {...}, "moves": [...]},
 * replaced as a whole (written beside, flushed, renamed), so that a killed gateway leaves the old or the new one,
 * and several gateways see each other's. It is of the queue that was made at `created_ms`; of one that was removed
 * and made again there are no notes. Where: of a memory queue DIRECTORY/.sqs/NAME.json, of a durable one
 * DATA/sqs/NAME.json, which outlives a reboot. */
#ifndef GATEWAY_NOTES_H
#define GATEWAY_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <ringlease.h>

struct notes;

/* `data`: the journal's folder; NULL: none. NULL: out of memory. Thread-safe, all of it. */
struct notes *notes_open(const char *directory, const char *data);
void notes_close(struct notes *notes);

/* *ret_notes: a new reference to {"tags": {...}, "attributes": {...}}, which nobody changes any more. Values are
 * texts; "modified_ms" and "moves" (move_notes.h) may stand beside. Cheap: looks at the file's time only. 0; or
 * -EMFILE, -ENFILE, -ENOMEM and NULL: whether there are any is not known now. */
int notes_read(struct notes *notes, struct rlq_queue *queue, json_t **ret_notes);

/* Changes them: `change` gets a copy that it may change, and returns whether to keep it. Changes of one gateway
 * come one after another. 0, 1 (not kept), or a negative errno. */
int notes_change(struct notes *notes, struct rlq_queue *queue, bool (*change)(json_t *notes, void *context),
		 void *context);

/* The folder with those of a queue; all folders there are, and how many. For as long as `notes` is open. */
const char *notes_folder_of(const struct notes *notes, struct rlq_queue *queue);
size_t notes_folders(const struct notes *notes, const char *ret_folders[static 2]);

/* The queue was removed; its handle is still open. Those of another one that has its name now are left. */
void notes_drop(struct notes *notes, struct rlq_queue *queue);

#endif
