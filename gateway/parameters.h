/* Parameters of a Query request in the order of their names, which are paths:
 * "SendMessageBatchRequestEntry.2.MessageAttribute.1.Name". Sorted part by part, numbers by their value, what
 * belongs to one member or one element stands together. Numbers only order, so gaps and absurd ones cost nothing.
 */
#ifndef GATEWAY_PARAMETERS_H
#define GATEWAY_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/form.h"

struct parameter {
	const char *rest; /* of the path, from where we are in the tree; NULL: it ends here */
	const char *value;
	size_t value_bytes;
	size_t position; /* in the request: of two the later counts */
};

/* Parameters whose paths are the same up to where we are. */
struct range {
	struct parameter *first;
	size_t count;
};

/* All of the form, to be freed: ret_range->first. False: out of memory. */
bool range_of_form(const struct form *form, struct range *ret_range);
/* Takes those with the same next part off the range; that part is the start of `ret_part`. Paths that end here are
 * passed over. */
bool range_next(struct range *range, const char **ret_part, struct range *ret_group);
/* Is the next part a number? Numbers come first. */
bool range_is_numbered(struct range range);
/* Has one of them this next part? */
bool range_has(struct range range, const char *name);
/* The parameter whose path ends here; of several the last. NULL: there is none. */
const struct parameter *range_end(struct range range);

bool part_is_number(const char *path);
bool part_is(const char *path, const char *name);

#endif
