/* Attributes of queues as the API has them: what the library has, what the notes keep, and what is counted. */
#ifndef GATEWAY_SETTINGS_H
#define GATEWAY_SETTINGS_H

#include <stdbool.h>

#include "gateway/call.h"

struct settings {
	const char *queue;
	struct rlq_queue_attributes native;
	struct rlq_queue_stat stat; /* settings_count() */
	json_t *kept;		    /* attributes of its notes, as they will be */
	json_t *changes;	    /* of them; null: removed */
	uint64_t created_ms, kept_modified_ms;
	bool is_new, is_native_changed;
};

/* Of a queue that is there. False: the failure has why. */
bool settings_read(struct call *call, struct rlq_queue *queue, struct settings *ret_settings);
/* Of one that is to be made, all defaults. */
bool settings_new(struct call *call, const char *name, enum rlq_type type, struct settings *ret_settings);
void settings_free(struct settings *settings);

/* Is there such an attribute, or is it "All"? INVALID_ATTRIBUTE_NAME. */
bool settings_is_name(struct call *call, const char *name);

/* Has a queue of this type an attribute of this name, set or not? INVALID_ATTRIBUTE_NAME. */
bool settings_applies(struct call *call, const struct settings *settings, const char *name);

/* Takes what is given, an object of texts, once all names are right. False: one was refused. */
bool settings_take(struct call *call, struct settings *settings, const json_t *given);

/* Must settings_count() be called before this one is asked for? */
bool settings_is_counted(const char *name);
bool settings_count(struct call *call, struct rlq_queue *queue, struct settings *settings);

/* A new text; NULL: it does not apply, or is not set. */
json_t *settings_value(const struct call *call, const struct settings *settings, const char *name);
/* Calls `each` for the names that "All" means, whether they apply or not. */
void settings_all(void (*each)(void *context, const char *name), void *context);

/* Makes it so. */
bool settings_write(struct call *call, struct rlq_queue *queue, struct settings *settings);

/* ---- for those that check values of their own -------------------------------------------------- */

/* "Invalid value for the parameter NAME."; false. */
bool settings_refuse(struct call *call, const char *name);
/* What the notes are to keep; NULL: nothing. False: out of memory. */
bool settings_keep(struct call *call, struct settings *settings, const char *name, const char *value);
const char *settings_kept(const struct settings *settings, const char *name);
/* true or false, in any case. */
bool settings_boolean(const char *value, bool *ret_boolean);

#endif
