/* What may be the tracing context of a message. */
#ifndef SEG_TRACE_H
#define SEG_TRACE_H

#include <stdbool.h>

/* UTF-8 of 1 to RLQ_TRACE_MAX bytes? */
bool trace_is_valid(const char *text);

#endif
