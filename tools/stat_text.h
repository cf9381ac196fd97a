/* What stat and top say about a queue. */
#ifndef TOOLS_STAT_TEXT_H
#define TOOLS_STAT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <ringlease.h>

enum { STAT_TEXT_BYTES = 128 };

/* How long the oldest message has been there; 0 if there is none. */
uint64_t stat_age_ms(const struct rlq_queue_stat *stat);

/* Where the kernel really placed the rings, and how sure that is. */
void stat_placed_format(const struct rlq_queue_stat *stat, char *ret_text, size_t text_bytes);

/* By which policy, as the kernel says: "local", "interleave", "node N", "unknown". */
void stat_policy_format(const struct rlq_queue_stat *stat, char *ret_text, size_t text_bytes);

/* NULL when memory runs out. */
json_t *stat_to_json(const char *name, const struct rlq_queue_attributes *attributes,
		     const struct rlq_queue_stat *stat, bool engine);

/* A block of lines for people. */
void stat_print(const char *name, const struct rlq_queue_attributes *attributes, const struct rlq_queue_stat *stat,
		bool engine);

#endif
