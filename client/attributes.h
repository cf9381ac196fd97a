/* Attributes of a queue: read from a caller, compared, and in its segment. */
#ifndef RLQ_ATTRIBUTES_H
#define RLQ_ATTRIBUTES_H

#include "client/internal.h"

/* What a caller gives, over the defaults in `ret`, each within its bounds. 0 or a code. */
int attributes_given(const struct rlq_queue_attributes *given, struct rlq_queue_attributes *ret);

/* As words of a segment's header, for those that can be changed, and back, for all. */
void attributes_to_words(const struct rlq_queue_attributes *a, uint64_t *words);
void attributes_from_segment(const struct segment *segment, struct rlq_queue_attributes *ret);

/* The values that can be changed, field by field: padding and `size` do not count. */
bool attributes_equal(const struct rlq_queue_attributes *a, const struct rlq_queue_attributes *b);
/* The others. */
bool fixed_attributes_equal(const struct rlq_queue_attributes *a, const struct rlq_queue_attributes *b);

/* Can the DLQ that they name be that of queue `name`? It keeps messages no less surely than their queue: else a
 * move would lose what was durable. */
int dlq_check(struct rlq_directory *directory, const char *name, const struct rlq_queue_attributes *a);

#endif
