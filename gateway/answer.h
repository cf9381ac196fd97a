/* Answers, in both protocols. All are to be freed with free(); NULL: out of memory. */
#ifndef GATEWAY_ANSWER_H
#define GATEWAY_ANSWER_H

#include <stddef.h>

#include <jansson.h>

#include "gateway/failure.h"
#include "gateway/shape.h"

enum {
	QUERY_ERROR_TEXT_BYTES = 128,
};

/* `result` may be NULL or empty; lists and maps in it that are empty are left out, and so is what the shape does
 * not know. What XML cannot carry becomes U+FFFD. */
char *xml_answer(const struct action_shape *shape, const json_t *result, const char *request_id, size_t *ret_bytes);
/* <ErrorResponse>; of UNKNOWN_OPERATION <UnknownOperationException/>. */
char *xml_failure(const struct failure *failure, const char *request_id, size_t *ret_bytes);

/* Likewise; of an action without a result, no bytes. */
char *json_answer(const struct action_shape *shape, const json_t *result, size_t *ret_bytes);
/* {"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"..."} */
char *json_failure(const struct failure *failure, size_t *ret_bytes);
/* Value of x-amzn-query-error: "AWS.SimpleQueueService.NonExistentQueue;Sender"; "": there is none. */
void json_query_error(const struct failure *failure, char ret_text[QUERY_ERROR_TEXT_BYTES]);

/* A text from bytes that need not be UTF-8: what is none becomes U+FFFD. NULL: out of memory. */
json_t *json_text(const char *bytes, size_t count);

#endif
