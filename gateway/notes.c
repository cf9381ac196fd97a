/* Notes of queues, in files; what was read is kept in memory for as long as the file is the same one. */
#include "gateway/notes.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/notes_file.h"

enum {
	CELLS = 1024,	     /* of memory, by name */
	FRESH_NS = 100000000 /* a file changed so lately may change again within one tick of its time */
};

struct entry {
	struct entry *next;
	struct notes_file_id file;
	json_t *notes; /* NULL: the file was refused */
	bool is_fresh;
	char name[RLQ_NAME_MAX + 1];
};

struct notes {
	char directory[PATH_MAX], data[PATH_MAX]; /* folders of notes; data "": none */
	json_t *none;
	pthread_mutex_t changing;
	pthread_mutex_t lock; /* of what follows */
	struct entry *cells[CELLS];
};

struct notes *notes_open(const char *directory, const char *data)
{
	struct notes *notes = calloc(1, sizeof(*notes));

	if (notes == NULL)
		return NULL;
	snprintf(notes->directory, sizeof(notes->directory), "%s/.sqs", directory);
	if (data)
		snprintf(notes->data, sizeof(notes->data), "%s/sqs", data);
	pthread_mutex_init(&notes->changing, NULL);
	pthread_mutex_init(&notes->lock, NULL);
	notes->none = json_pack("{s:{}, s:{}}", "tags", "attributes");
	if (notes->none == NULL) {
		notes_close(notes);
		return NULL;
	}
	return notes;
}

/* ---- memory ----------------------------------------------------------------------------------- */

static struct entry **cell_of(struct notes *notes, const char *name)
{
	uint32_t hash = 2166136261; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619;
	return &notes->cells[hash % CELLS];
}

static struct entry **find(struct notes *notes, const char *name)
{
	struct entry **at = cell_of(notes, name);

	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

static void forget(struct notes *notes, const char *name)
{
	struct entry **at = find(notes, name), *entry = *at;

	if (entry == NULL)
		return;
	*at = entry->next;
	json_decref(entry->notes);
	free(entry);
}

void notes_close(struct notes *notes)
{
	if (notes == NULL)
		return;
	for (size_t i = 0; i < CELLS; i++)
		while (notes->cells[i])
			forget(notes, notes->cells[i]->name);
	json_decref(notes->none);
	pthread_mutex_destroy(&notes->changing);
	pthread_mutex_destroy(&notes->lock);
	free(notes);
}

static bool is_fresh(const struct notes_file_id *file)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - file->changed_ns < FRESH_NS;
}

static struct entry *entry_make(struct notes *notes, const char *name)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		return NULL;
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	entry->next = *cell_of(notes, name);
	*cell_of(notes, name) = entry;
	return entry;
}

/* The entry of this file, read if it is not the one in memory. 0, or a negative errno: it cannot be read now. */
static int look(struct notes *notes, const char *folder, const char *name, const struct notes_file_id *file,
		struct entry **ret_entry)
{
	struct entry *entry = *find(notes, name);
	struct notes_file_id read = *file; /* also of one that is refused, so that this is said once */
	json_t *is;
	int error;

	*ret_entry = entry;
	if (entry && !entry->is_fresh && notes_file_is_same(&entry->file, file))
		return 0;
	error = notes_file_read(folder, name, &is, &read);
	if (error)
		return error;
	if (entry == NULL)
		*ret_entry = entry = entry_make(notes, name);
	if (entry == NULL) {
		json_decref(is);
		return -ENOMEM;
	}
	json_decref(entry->notes);
	entry->file = read;
	entry->notes = is;
	entry->is_fresh = is && is_fresh(&read);
	return 0;
}

/* ---- notes of a queue ------------------------------------------------------------------------- */

const char *notes_folder_of(const struct notes *notes, struct rlq_queue *queue)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	if (notes->data[0] == '\0' || rlq_queue_get_attributes(queue, &attributes) < 0 ||
	    attributes.durability == RLQ_MEMORY)
		return notes->directory;
	return notes->data;
}

size_t notes_folders(const struct notes *notes, const char *ret_folders[static 2])
{
	ret_folders[0] = notes->directory;
	ret_folders[1] = notes->data;
	return notes->data[0] ? 2 : 1;
}

static bool is_of(const json_t *notes, const struct rlq_queue *queue)
{
	return notes &&
	       (uint64_t)json_integer_value(json_object_get(notes, "created_ms")) == rlq_queue_created_ms(queue);
}

int notes_read(struct notes *notes, struct rlq_queue *queue, json_t **ret_notes)
{
	const char *name = rlq_queue_name(queue), *folder = notes_folder_of(notes, queue);
	struct notes_file_id file;
	struct entry *entry;
	int error;

	if (!notes_file_look(folder, name, &file)) {
		*ret_notes = json_incref(notes->none);
		return 0;
	}
	pthread_mutex_lock(&notes->lock);
	error = look(notes, folder, name, &file, &entry);
	if (error)
		*ret_notes = NULL;
	else
		*ret_notes = json_incref(is_of(entry->notes, queue) ? entry->notes : notes->none);
	pthread_mutex_unlock(&notes->lock);
	return error;
}

static int change_locked(struct notes *notes, const char *folder, struct rlq_queue *queue,
			 bool (*change)(json_t *notes, void *context), void *context)
{
	json_t *is, *copy;
	int result = notes_read(notes, queue, &is);

	if (result)
		return result;
	copy = json_deep_copy(is);
	json_decref(is);
	if (copy == NULL ||
	    json_object_set_new(copy, "created_ms", json_integer((json_int_t)rlq_queue_created_ms(queue))))
		result = -ENOMEM;
	else
		result = change(copy, context) ? notes_file_write(folder, rlq_queue_name(queue), copy) : 1;
	json_decref(copy);
	return result;
}

int notes_change(struct notes *notes, struct rlq_queue *queue, bool (*change)(json_t *notes, void *context),
		 void *context)
{
	const char *folder = notes_folder_of(notes, queue);
	int lock, result;

	pthread_mutex_lock(&notes->changing);
	lock = notes_folder_lock(folder);
	result = lock < 0 ? lock : change_locked(notes, folder, queue, change, context);
	notes_folder_unlock(lock);
	pthread_mutex_unlock(&notes->changing);
	return result;
}

static void drop_from(const char *folder, struct rlq_queue *queue)
{
	const char *name = rlq_queue_name(queue);
	struct notes_file_id file;
	json_t *is = NULL;
	int lock;

	if (!notes_file_look(folder, name, &file))
		return;
	lock = notes_folder_lock(folder);
	if (lock >= 0 && notes_file_read(folder, name, &is, &file) == 0 && is_of(is, queue))
		notes_file_remove(folder, name);
	json_decref(is);
	notes_folder_unlock(lock);
}

void notes_drop(struct notes *notes, struct rlq_queue *queue)
{
	pthread_mutex_lock(&notes->changing);
	drop_from(notes->directory, queue);
	if (notes->data[0])
		drop_from(notes->data, queue);
	pthread_mutex_lock(&notes->lock);
	forget(notes, rlq_queue_name(queue));
	pthread_mutex_unlock(&notes->lock);
	pthread_mutex_unlock(&notes->changing);
}
