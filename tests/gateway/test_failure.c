#include "tests/gateway/codec_fixture.h"

#include <errno.h>
#include <ringlease.h>

Test(failure, codes_are_spelled_as_by_aws)
{
	static const struct {
		enum failure_code code;
		const char *type, *query;
		int status;
	} rows[] = {
		{QUEUE_DOES_NOT_EXIST, "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", 400},
		{QUEUE_NAME_EXISTS, "QueueNameExists", "QueueAlreadyExists", 400},
		{QUEUE_DELETED_RECENTLY, "QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently",
		 400},
		{INVALID_ATTRIBUTE_NAME, "InvalidAttributeName", "InvalidAttributeName", 400},
		{INVALID_ATTRIBUTE_VALUE, "InvalidAttributeValue", "InvalidAttributeValue", 400},
		{INVALID_PARAMETER_VALUE, "InvalidParameterValueException", "InvalidParameterValue", 400},
		{MISSING_PARAMETER, "MissingRequiredParameterException", "MissingParameter", 400},
		{INVALID_MESSAGE_CONTENTS, "InvalidMessageContents", "InvalidMessageContents", 400},
		{RECEIPT_HANDLE_IS_INVALID, "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 400},
		{EMPTY_BATCH_REQUEST, "EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", 400},
		{TOO_MANY_ENTRIES, "TooManyEntriesInBatchRequest",
		 "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400},
		{ENTRY_IDS_NOT_DISTINCT, "BatchEntryIdsNotDistinct",
		 "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400},
		{INVALID_ENTRY_ID, "InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId", 400},
		{BATCH_REQUEST_TOO_LONG, "BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", 400},
		{PURGE_IN_PROGRESS, "PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", 403},
		{OVER_LIMIT, "OverLimit", "OverLimit", 403},
		{RESOURCE_NOT_FOUND, "ResourceNotFoundException", "ResourceNotFoundException", 404},
		{UNSUPPORTED_OPERATION, "UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", 400},
		{UNKNOWN_OPERATION, "UnknownOperationException", "UnknownOperationException", 404},
		{INVALID_ACTION, "InvalidAction", "InvalidAction", 400},
		{SERIALIZATION, "SerializationException", "SerializationException", 400},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct failure_text *text = failure_text(rows[i].code);

		cr_expect_str_eq(text->type, rows[i].type);
		cr_expect_str_eq(text->query, rows[i].query);
		cr_expect_eq(text->status, rows[i].status);
		cr_expect(text->is_sender);
	}
}

Test(failure, every_code_has_a_text)
{
	for (int code = 0; code < FAILURE_CODES; code++) {
		const struct failure_text *text = failure_text((enum failure_code)code);

		cr_expect(text->type && text->query && text->status >= 400, "code %d", code);
		cr_expect_eq(text->is_sender, text->status < 500, "code %d", code);
	}
	cr_expect_eq(failure_text((enum failure_code) - 1)->status, 500);
}

Test(failure, a_queue_that_is_gone_does_not_exist)
{
	static const int errors[] = {RLQ_ENOQUEUE, RLQ_EREMOVED, RLQ_ENAME};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct failure failure;

		cr_expect(!failure_from_library(&failure, errors[i]));
		expect_failure(&failure, QUEUE_DOES_NOT_EXIST, "The specified queue does not exist.");
	}
}

Test(failure, what_may_pass_is_to_be_tried_again)
{
	static const int errors[] = {RLQ_EFULL,	   RLQ_ENOSPACE, RLQ_EDISKFULL, RLQ_EDEDUPFULL, RLQ_EENGINE,
				     RLQ_EJOURNAL, RLQ_EUNKNOWN, RLQ_EHANDLES,	RLQ_EBUSY,	-EAGAIN,
				     -EINTR,	   -ENOMEM,	 -EMFILE};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct failure failure;

		failure_from_library(&failure, errors[i]);
		cr_expect(failure.code == SERVICE_UNAVAILABLE, "error %d", errors[i]);
		cr_expect(strstr(failure.message, "again") || strstr(failure.message, "raise"), "%s",
			  failure.message);
	}
	cr_expect_eq(failure_text(SERVICE_UNAVAILABLE)->status, 503);
}

Test(failure, what_aws_cannot_say_is_internal_with_the_librarys_text)
{
	struct failure failure;

	failure_from_library(&failure, RLQ_EDAMAGED);
	expect_failure(&failure, INTERNAL_FAILURE,
		       "The queue cannot be used: the queue's segment is damaged; see ringlease verify.");
	failure_from_library(&failure, -EACCES);
	cr_expect(failure.code == INTERNAL_FAILURE);
}

Test(failure, what_the_library_refuses_has_the_words_of_aws)
{
	struct failure failure;

	failure_from_library(&failure, RLQ_ENOGROUP);
	expect_failure(&failure, MISSING_PARAMETER, "The request must contain the parameter MessageGroupId.");
	failure_from_library(&failure, RLQ_ENODEDUP);
	expect_failure(&failure, INVALID_PARAMETER_VALUE,
		       "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId "
		       "provided explicitly");
	failure_from_library(&failure, RLQ_ERECEIPT);
	cr_expect(failure.code == RECEIPT_HANDLE_IS_INVALID);
}

/* At each offset in a character of each length. */
Test(failure, a_long_message_is_cut_between_characters)
{
	static const char *const characters[] = {"a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};

	for (size_t kind = 0; kind < 4; kind++)
		for (size_t offset = 0; offset < 4; offset++) {
			char text[4096] = "";
			struct failure failure;
			size_t length;

			memset(text, '.', offset);
			while (strlen(text) < 3000)
				strcat(text, characters[kind]);
			failure_set(&failure, INVALID_PARAMETER_VALUE, "%s", text);
			length = strlen(failure.message);
			cr_expect_eq((length - offset) % (kind + 1), 0);
			cr_expect_geq(length + kind + 1, sizeof(failure.message));
			cr_expect_eq(strncmp(text, failure.message, length), 0);
		}
}
