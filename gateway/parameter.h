/* Values of parameters: are they in range, and what to say if not. */
#ifndef GATEWAY_PARAMETER_H
#define GATEWAY_PARAMETER_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/failure.h"

/* "Value VALUE for parameter NAME is invalid. Reason: REASON"; false. */
bool parameter_failure(struct failure *failure, const char *name, const char *value, const char *reason);

/* The same of a number that is not `least` .. `most`; else true. */
bool parameter_in_range(struct failure *failure, const char *name, int64_t value, int64_t least, int64_t most,
			const char *reason);

#endif
