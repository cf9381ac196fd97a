/* Queue attributes by name: those of `create`, of `set`, and SQS's own. */
#ifndef TOOLS_ATTRIBUTES_H
#define TOOLS_ATTRIBUTES_H

#include <stddef.h>

#include <jansson.h>

#include <ringlease.h>

/* Sets one attribute from text; `name` as create has it (visibility-timeout) or as SQS has it
 * (VisibilityTimeout). `prefix` goes before the name in a report ("--" or ""). Returns 0 or an exit
 * status after a report. */
int attribute_parse(struct rlq_queue_attributes *attributes, const char *prefix, const char *name,
		    const char *text);

/* As attribute_parse(), but refuses what is fixed at creation. */
int attribute_change(struct rlq_queue_attributes *attributes, const char *name, const char *text);

/* A DLQ without a count of receives, or the other way round, is a slip, and so is a limit of what is not there. */
int attributes_check(const struct rlq_queue_attributes *attributes, const char *prefix);

/* Says as well as we know why the library took them for bad. The exit status. */
int attributes_refused(struct rlq_directory *directory, const struct rlq_queue_attributes *attributes,
		       const char *name);

/* The DLQ is of the other type. The exit status. */
int attributes_mixed(const struct rlq_queue_attributes *attributes, const char *name);

/* The i-th name that `set` takes, in create's spelling; NULL at the end. */
const char *attribute_settable(size_t i);

/* "visibility-timeout 30s, delay 0s, ...": `ret_text` is cut if too short. */
void attributes_format(const struct rlq_queue_attributes *attributes, char *ret_text, size_t text_bytes);

/* Says how two sets differ: "visibility-timeout is 30s, not 45s"; "" if this table sees no difference. */
void attributes_difference(const struct rlq_queue_attributes *is, const struct rlq_queue_attributes *asked,
			   char *ret_text, size_t text_bytes);

/* Adds them under SQS's names, durations in whole seconds and exactly in ...Ms. Returns 0 or -1. */
int attributes_to_json(const struct rlq_queue_attributes *attributes, json_t *object);

/* "standard" or "fifo". */
const char *type_name(enum rlq_type type);

/* "queue" or "messageGroup". */
const char *scope_name(enum rlq_dedup_scope scope);

/* "memory", "async" or "sync". */
const char *durability_name(enum rlq_durability durability);

/* "local", "interleave" or the node's number. */
void placement_format(const struct rlq_queue_attributes *attributes, char *ret_text, size_t text_bytes);

#endif
