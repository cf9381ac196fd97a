/* What AWS answers when it refuses: a code, in the three spellings that clients see, and a sentence. */
#ifndef GATEWAY_FAILURE_H
#define GATEWAY_FAILURE_H

#include <stdbool.h>

/* In the order of the table in failure.c. */
enum failure_code {
	FAILURE_NONE,
	QUEUE_DOES_NOT_EXIST,
	QUEUE_NAME_EXISTS,
	QUEUE_DELETED_RECENTLY,
	INVALID_ATTRIBUTE_NAME,
	INVALID_ATTRIBUTE_VALUE,
	INVALID_PARAMETER_VALUE,
	MISSING_PARAMETER,
	INVALID_MESSAGE_CONTENTS,
	RECEIPT_HANDLE_IS_INVALID,
	EMPTY_BATCH_REQUEST,
	TOO_MANY_ENTRIES,
	ENTRY_IDS_NOT_DISTINCT,
	INVALID_ENTRY_ID,
	BATCH_REQUEST_TOO_LONG,
	PURGE_IN_PROGRESS,
	OVER_LIMIT,
	RESOURCE_NOT_FOUND,
	UNSUPPORTED_OPERATION,
	INVALID_ACTION,
	UNKNOWN_OPERATION,
	SERIALIZATION,
	MALFORMED_QUERY,
	ACCESS_DENIED,
	INVALID_CLIENT_TOKEN,
	SIGNATURE_DOES_NOT_MATCH,
	INCOMPLETE_SIGNATURE,
	MISSING_AUTHENTICATION,
	REQUEST_EXPIRED,
	REQUEST_TOO_LARGE,
	SERVICE_UNAVAILABLE, /* full: SDKs try again */
	INTERNAL_FAILURE,
	FAILURE_CODES
};

struct failure {
	enum failure_code code;
	char message[2048];
};

/* How clients see a code. */
struct failure_text {
	const char *type;  /* of JSON, without a name space */
	const char *query; /* of Query, of x-amzn-query-error and of a batch's entries */
	int status;	   /* of HTTP */
	bool is_sender;	   /* the client's fault */
	bool is_generic;   /* of all AWS services: another name space in JSON */
};
const struct failure_text *failure_text(enum failure_code code);

/* Sets it; a message that is too long is cut, between characters. Returns false, so that a check may end in
 * `return failure_set(...)`. */
__attribute__((format(printf, 3, 4))) bool failure_set(struct failure *failure, enum failure_code code,
						       const char *format, ...);

/* "The request must contain the parameter NAME." */
bool failure_missing(struct failure *failure, const char *name);

/* "The specified queue does not exist." */
bool failure_no_queue(struct failure *failure);

/* From a code of the library: of a queue that is gone, full, not writable ... What trying again may help is
 * SERVICE_UNAVAILABLE; anything that AWS cannot say, INTERNAL_FAILURE with the library's text. */
bool failure_from_library(struct failure *failure, int error);

#endif
