/* A failure as JSON clients want it. */
#ifndef GATEWAY_ANSWERS_H
#define GATEWAY_ANSWERS_H

#include <stddef.h>

#include "gateway/failure.h"

/* {"__type": ..., "message": ...}; to free. NULL: out of memory. */
char *json_failure(const struct failure *failure, size_t *ret_bytes);

/* The value of x-amzn-query-error: "AWS.SimpleQueueService.NonExistentQueue;Sender". */
void query_error(const struct failure *failure, char ret_text[128]);

#endif
