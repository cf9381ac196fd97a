#include "gateway/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <ringlease.h>

#define SQS(name) "AWS.SimpleQueueService." name

static const struct failure_text texts[FAILURE_CODES] = {
	[FAILURE_NONE] = {"InternalFailure", "InternalFailure", 500, false, true},
	[QUEUE_DOES_NOT_EXIST] = {"QueueDoesNotExist", SQS("NonExistentQueue"), 400, true, false},
	[QUEUE_NAME_EXISTS] = {"QueueNameExists", "QueueAlreadyExists", 400, true, false},
	[QUEUE_DELETED_RECENTLY] = {"QueueDeletedRecently", SQS("QueueDeletedRecently"), 400, true, false},
	[INVALID_ATTRIBUTE_NAME] = {"InvalidAttributeName", "InvalidAttributeName", 400, true, false},
	[INVALID_ATTRIBUTE_VALUE] = {"InvalidAttributeValue", "InvalidAttributeValue", 400, true, false},
	[INVALID_PARAMETER_VALUE] = {"InvalidParameterValueException", "InvalidParameterValue", 400, true, true},
	[MISSING_PARAMETER] = {"MissingRequiredParameterException", "MissingParameter", 400, true, true},
	[INVALID_MESSAGE_CONTENTS] = {"InvalidMessageContents", "InvalidMessageContents", 400, true, false},
	[RECEIPT_HANDLE_IS_INVALID] = {"ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 400, true, false},
	[EMPTY_BATCH_REQUEST] = {"EmptyBatchRequest", SQS("EmptyBatchRequest"), 400, true, false},
	[TOO_MANY_ENTRIES] = {"TooManyEntriesInBatchRequest", SQS("TooManyEntriesInBatchRequest"), 400, true,
			      false},
	[ENTRY_IDS_NOT_DISTINCT] = {"BatchEntryIdsNotDistinct", SQS("BatchEntryIdsNotDistinct"), 400, true, false},
	[INVALID_ENTRY_ID] = {"InvalidBatchEntryId", SQS("InvalidBatchEntryId"), 400, true, false},
	[BATCH_REQUEST_TOO_LONG] = {"BatchRequestTooLong", SQS("BatchRequestTooLong"), 400, true, false},
	[PURGE_IN_PROGRESS] = {"PurgeQueueInProgress", SQS("PurgeQueueInProgress"), 403, true, false},
	[OVER_LIMIT] = {"OverLimit", "OverLimit", 403, true, false},
	[RESOURCE_NOT_FOUND] = {"ResourceNotFoundException", "ResourceNotFoundException", 404, true, false},
	[UNSUPPORTED_OPERATION] = {"UnsupportedOperation", SQS("UnsupportedOperation"), 400, true, false},
	[INVALID_ACTION] = {"InvalidAction", "InvalidAction", 400, true, true},
	[UNKNOWN_OPERATION] = {"UnknownOperationException", "UnknownOperationException", 404, true, true},
	[SERIALIZATION] = {"SerializationException", "SerializationException", 400, true, true},
	[MALFORMED_QUERY] = {"MalformedQueryString", "MalformedQueryString", 404, true, true},
	[ACCESS_DENIED] = {"AccessDeniedException", "AccessDenied", 403, true, true},
	[INVALID_CLIENT_TOKEN] = {"UnrecognizedClientException", "InvalidClientTokenId", 403, true, true},
	[SIGNATURE_DOES_NOT_MATCH] = {"InvalidSignatureException", "SignatureDoesNotMatch", 403, true, true},
	[INCOMPLETE_SIGNATURE] = {"IncompleteSignatureException", "IncompleteSignature", 400, true, true},
	[MISSING_AUTHENTICATION] = {"MissingAuthenticationTokenException", "MissingAuthenticationToken", 403, true,
				    true},
	[REQUEST_EXPIRED] = {"RequestExpired", "RequestExpired", 400, true, true},
	[REQUEST_TOO_LARGE] = {"RequestEntityTooLargeException", "RequestEntityTooLarge", 413, true, true},
	[SERVICE_UNAVAILABLE] = {"ServiceUnavailableException", "ServiceUnavailable", 503, false, true},
	[INTERNAL_FAILURE] = {"InternalFailure", "InternalFailure", 500, false, true},
};

/* What the library refuses, in AWS's words where it has some. */
static const struct {
	int error;
	enum failure_code code;
	const char *message; /* NULL: the library's */
} refusals[] = {
	{RLQ_ETOOBIG, INVALID_PARAMETER_VALUE,
	 "One or more parameters are invalid. Reason: Message must not be longer than the queue's "
	 "MaximumMessageSize."},
	{RLQ_EATTRIBUTE, INVALID_PARAMETER_VALUE, NULL},
	{RLQ_EEXISTS, QUEUE_NAME_EXISTS, "A queue already exists with the same name and other attributes."},
	{RLQ_ENODLQ, INVALID_PARAMETER_VALUE, "Dead letter target does not exist."},
	{RLQ_ETYPE, INVALID_PARAMETER_VALUE, "Dead-letter queue must be same type of queue as the source."},
	{RLQ_ERECEIPT, RECEIPT_HANDLE_IS_INVALID, "The input receipt handle is not a valid receipt handle."},
	{RLQ_ESTALE, INVALID_PARAMETER_VALUE,
	 "Value for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for "
	 "visibility timeout change."},
	{RLQ_ENOGROUP, MISSING_PARAMETER, "The request must contain the parameter MessageGroupId."},
	{RLQ_EGROUPID, INVALID_PARAMETER_VALUE,
	 "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."},
	{RLQ_ENODEDUP, INVALID_PARAMETER_VALUE,
	 "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
	 "explicitly"},
	{RLQ_EDEDUPID, INVALID_PARAMETER_VALUE,
	 "MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length."},
	{RLQ_ENOTFIFO, INVALID_PARAMETER_VALUE,
	 "The request includes a parameter that is not valid for this queue type."},
	{RLQ_EDELAY, INVALID_PARAMETER_VALUE,
	 "The request include parameter that is not valid for this queue type."},
	{RLQ_ETRACE, INVALID_PARAMETER_VALUE,
	 "Message (system) attribute 'AWSTraceHeader' must be of 1 to 1,024 bytes."},
	{RLQ_EHOLDS, OVER_LIMIT, NULL},
	{RLQ_EFULL, SERVICE_UNAVAILABLE,
	 "The queue is full: receive and delete messages, or try again later. Its capacity is set when it is "
	 "created."},
	{RLQ_ENOSPACE, SERVICE_UNAVAILABLE,
	 "No memory is left for the message: receive and delete messages, give the tmpfs that holds the queues "
	 "more, "
	 "or try again later."},
	{RLQ_EDISKFULL, SERVICE_UNAVAILABLE,
	 "The journal has no room for the message: receive and delete messages, make room on its disk or raise its "
	 "limit, or try again later."},
	{RLQ_EDEDUPFULL, SERVICE_UNAVAILABLE,
	 "The queue remembers as many deduplication ids as it can: try again once some are older than 5 minutes, "
	 "or "
	 "purge it."},
	{RLQ_EENGINE, SERVICE_UNAVAILABLE,
	 "The queue is durable and nothing journals it: start ringleased, try again."},
	{RLQ_EJOURNAL, SERVICE_UNAVAILABLE,
	 "The journal cannot be written: see ringleased's log, try again later."},
	{RLQ_EUNKNOWN, SERVICE_UNAVAILABLE,
	 "The change was made, but is not known to be on the disk: see whether ringleased runs, and try again."},
	{RLQ_EHANDLES, SERVICE_UNAVAILABLE, "Too many processes and threads have the queue open: try again later."},
	{RLQ_EBUSY, SERVICE_UNAVAILABLE,
	 "Another request is changing the queue's attributes or removing it: try again."},
	{-EAGAIN, SERVICE_UNAVAILABLE, "The request was stopped for too long in the middle: try again."},
	{-EINTR, SERVICE_UNAVAILABLE, "The request was interrupted: try again."},
	{-ENOMEM, SERVICE_UNAVAILABLE, "The endpoint is out of memory: try again later."},
	{-EMFILE, SERVICE_UNAVAILABLE, "The endpoint has too many files open: raise its limit (ulimit -n)."},
	{-ENFILE, SERVICE_UNAVAILABLE, "The machine has too many files open: try again later."},
};

const struct failure_text *failure_text(enum failure_code code)
{
	return &texts[(unsigned int)code < FAILURE_CODES ? code : INTERNAL_FAILURE];
}

/* A text that was cut amid a character ends before that character. */
static void cut_between_characters(char *text, size_t length)
{
	size_t start = length;

	while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return;
	unsigned char lead = (unsigned char)text[start - 1];
	size_t wanted = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;

	if (length - start < wanted)
		text[start - 1] = '\0';
}

bool failure_set(struct failure *failure, enum failure_code code, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(failure->message, sizeof(failure->message), format, arguments);
	va_end(arguments);
	failure->code = code;
	if (length < 0)
		failure->message[0] = '\0';
	else if ((size_t)length >= sizeof(failure->message))
		cut_between_characters(failure->message, sizeof(failure->message) - 1);
	return false;
}

bool failure_missing(struct failure *failure, const char *name)
{
	return failure_set(failure, MISSING_PARAMETER, "The request must contain the parameter %s.", name);
}

bool failure_no_queue(struct failure *failure)
{
	return failure_set(failure, QUEUE_DOES_NOT_EXIST, "The specified queue does not exist.");
}

bool failure_from_library(struct failure *failure, int error)
{
	if (error == RLQ_ENOQUEUE || error == RLQ_EREMOVED || error == RLQ_ENAME)
		return failure_no_queue(failure);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (refusals[i].error != error)
			continue;
		return failure_set(failure, refusals[i].code, "%s",
				   refusals[i].message ? refusals[i].message : rlq_strerror(error));
	}
	return failure_set(failure, INTERNAL_FAILURE, "The queue cannot be used: %s.", rlq_strerror(error));
}
