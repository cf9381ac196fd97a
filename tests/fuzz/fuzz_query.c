/* Query requests from any bytes: what is read passes the check of JSON again, comes back from its XML, and is
 * refused with a failure that can be written. */
#include "gateway/answer.h"
#include "gateway/shape.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/words.h"
#include "tests/gateway/xml_tree.h"

#include <stdlib.h>
#include <string.h>

enum { FORM_BYTES = 1 << 16 };

static const char *const words[] = {
	"Action=SendMessage&",
	"Action=SendMessageBatch&",
	"Action=CreateQueue&",
	"Action=ReceiveMessage&",
	"Action=TagQueue&",
	"Action=UntagQueue&",
	"Action=SetQueueAttributes&",
	"Action=ChangeMessageVisibilityBatch&",
	"Action=",
	"&QueueUrl=q&",
	"&QueueName=q&",
	"QueueUrl",
	"MessageBody=",
	"&MessageBody=b&",
	"SendMessageBatchRequestEntry",
	"ChangeMessageVisibilityBatchRequestEntry",
	"MessageAttribute",
	"MessageSystemAttribute",
	"AttributeName",
	"Attribute",
	"TagKey",
	"Tag",
	".Name=",
	".Value=",
	".Value.DataType=String&",
	".Value.StringValue=",
	".Value.StringListValue",
	".Value.BinaryValue=",
	".Key=",
	".Id=",
	".ReceiptHandle=",
	"VisibilityTimeout=",
	"DelaySeconds=",
	"4000000000",
	"99999999999999999999999999",
	"00",
	".1",
	".2",
	".10",
	".",
	"&",
	"=",
	"%",
	"%00",
	"%0D",
	"%C3%A4",
	"%ED%A0%80",
	"%FF",
	"+",
	"-",
	"member",
	"1",
};

static void check(bool is_so)
{
	if (!is_so)
		abort();
}

static xmlDoc *parse_or_die(const char *xml, size_t bytes)
{
	xmlDoc *document = xml ? xml_parse(xml, bytes) : NULL;

	check(document != NULL);
	return document;
}

/* The shape of the input serves as that of a result. Its texts come back but for what XML cannot carry, so no less
 * of them. */
static void try_answer(const struct action_shape *shape, const json_t *input)
{
	const struct action_shape mirror = {shape->action, shape->input, shape->input};
	size_t bytes = 0;
	char *xml = xml_answer(&mirror, input, "r", &bytes);
	xmlDoc *document = parse_or_die(xml, bytes);
	json_t *back = xml_tree(shape->input, xmlDocGetRootElement(document)->children);

	check(json_object_size(back) <= json_object_size(input));
	json_decref(back);
	xmlFreeDoc(document);
	free(xml);
}

static void try_failure(const struct failure *failure)
{
	size_t bytes = 0;
	char *xml = xml_failure(failure, "r", &bytes);
	char *json;

	xmlFreeDoc(parse_or_die(xml, bytes));
	free(xml);
	json = json_failure(failure, &bytes);
	check(json != NULL);
	free(json);
}

static void try_form(const char *url_query, const char *body, size_t bytes)
{
	const struct action_shape *shape;
	struct failure failure;
	json_t *input = NULL;
	char *action = NULL;

	if (query_read(url_query, body, bytes, &action, &shape, &input, &failure)) {
		check(shape_check(shape, input, &failure));
		try_answer(shape, input);
	} else {
		check(failure.code > FAILURE_NONE && failure.code < FAILURE_CODES && input == NULL);
		try_failure(&failure);
	}
	json_decref(input);
	free(action);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	static char form[FORM_BYTES];
	size_t form_bytes = words_write(words, sizeof(words) / sizeof(words[0]), bytes, count, form, sizeof(form));
	char *found;

	try_form(NULL, (const char *)bytes, count);
	try_form(NULL, form, form_bytes);
	form[form_bytes] = '\0';
	try_form(form, (const char *)bytes, count);
	found = query_parameter(form, form_bytes, "Action");
	free(found);
	return 0;
}
