/* What all batch actions share: the checks of the whole request, and the two lists of the answer. */
#ifndef GATEWAY_BATCH_H
#define GATEWAY_BATCH_H

#include <stdbool.h>

#include <jansson.h>

#include "gateway/call.h"

enum { BATCH_MAX = 10 };

/* `Entries`, 1 to 10 of them with ids that are good and distinct; NULL: call->failure has why not. `entry_name` as
 * in Query: "SendMessageBatchRequestEntry". */
const json_t *batch_entries(struct call *call, const char *entry_name);

/* The entry has succeeded: its result, to which more may be added. NULL: out of memory. */
json_t *batch_succeeded(struct call *call, const json_t *entry);

/* It has not. False: out of memory. */
bool batch_failed(struct call *call, const json_t *entry, const struct failure *failure);

/* The call as a whole: the answer could not be made, or the library says no. CALL_FAILED. */
enum call_outcome call_out_of_memory(struct call *call);
enum call_outcome call_fail_library(struct call *call, int error);

#endif
