#include "bench/sqs/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_BYTES_MAX = 1024, SHOWN_MAX = 400 };

/* What a current SDK sends beside the action: some 750 bytes. */
#define HEAD_SIGNED                                                                                                \
	"Accept-Encoding: identity\r\n"                                                                            \
	"User-Agent: Boto3/1.40.1 md/Botocore#1.40.1 ua/2.1 os/linux md/arch#x86_64 lang/python#3.11.7\r\n"        \
	"X-Amz-Date: 20261129T000000Z\r\n"                                                                         \
	"Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261129/us-east-1/sqs/aws4_request, "    \
	"SignedHeaders=content-type;host;x-amz-date;x-amz-target, "                                                \
	"Signature=9f3c2a7be01d46588fb4b7d2f5c01a6e3d9c8b7a605142f3e1d0c9b8a7968574\r\n"                           \
	"amz-sdk-invocation-id: 5f1c2b3a-4d5e-4f60-8a7b-9c0d1e2f3a4b\r\n"                                          \
	"amz-sdk-request: attempt=1\r\n"

void target_set(struct target *target, uint16_t port, enum protocol protocol, const char *queue)
{
	*target = (struct target){.port = port, .protocol = protocol};
	snprintf(target->url, sizeof(target->url), "http://127.0.0.1:%u/000000000000/%s", port, queue);
}

/* ---- texts ------------------------------------------------------------------------------------- */

static char *add(char *at, const char *text, size_t bytes)
{
	return (char *)memcpy(at, text, bytes) + bytes;
}

static char *add_text(char *at, const char *text)
{
	return add(at, text, strlen(text));
}

static char *add_decimal(char *at, size_t number)
{
	char digits[24], *first = digits + sizeof(digits);

	do
		*--first = (char)('0' + number % 10);
	while (number /= 10);
	return add(at, first, (size_t)(digits + sizeof(digits) - first));
}

static char *add_body(char *at, uint64_t number, uint32_t bytes)
{
	for (int i = 0; i < NUMBER_DIGITS; i++)
		*at++ = "0123456789abcdef"[number >> (60 - 4 * i) & 15];
	memset(at, 'x', bytes - NUMBER_DIGITS);
	return at + bytes - NUMBER_DIGITS;
}

uint64_t number_of(const char *body, size_t bytes)
{
	char digits[NUMBER_DIGITS + 1] = "", *end;
	uint64_t number;

	if (bytes >= NUMBER_DIGITS)
		memcpy(digits, body, NUMBER_DIGITS);
	number = strtoull(digits, &end, 16);
	if (end != digits + NUMBER_DIGITS)
		sqs_fail("a body came that nobody has sent: %.*s", (int)(bytes < SHOWN_MAX ? bytes : SHOWN_MAX),
			 body);
	return number;
}

/* ---- requests ------------------------------------------------------------------------------------ */

/* The body stands behind room for the head, which goes right before it. */
static char *body_begin(struct request *request)
{
	return request->text + HEAD_BYTES_MAX;
}

static void finish(struct request *request, const struct target *target, const char *action, const char *end)
{
	size_t body_bytes = (size_t)(end - body_begin(request));
	char *at = request->text;

	at = add_text(at, "POST / HTTP/1.1\r\nHost: 127.0.0.1:");
	at = add_decimal(at, target->port);
	if (target->protocol == JSON) {
		at = add_text(at, "\r\nX-Amz-Target: AmazonSQS.");
		at = add_text(at, action);
		at = add_text(at, "\r\nContent-Type: application/x-amz-json-1.0\r\n");
	} else {
		at = add_text(at, "\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\r\n");
	}
	at = add_text(at, HEAD_SIGNED "Content-Length: ");
	at = add_decimal(at, body_bytes);
	at = add_text(at, "\r\n\r\n");
	memmove(at, body_begin(request), body_bytes);
	request->bytes = (size_t)(at - request->text) + body_bytes;
}

void request_json(struct request *request, const struct target *target, const char *action, const char *body,
		  size_t body_bytes)
{
	finish(request, target, action, add(body_begin(request), body, body_bytes));
}

static char *begin_json(struct request *request, const struct target *target)
{
	char *at = add_text(body_begin(request), "{\"QueueUrl\":\"");

	at = add_text(at, target->url);
	return add_text(at, "\"");
}

static void send_query(struct request *request, const struct target *target, uint64_t number, uint32_t body_bytes)
{
	char *at = add_text(body_begin(request), "Action=SendMessage&Version=2012-11-05&QueueUrl=");

	for (const char *c = target->url; *c; c++)
		at = *c == ':' ? add(at, "%3A", 3) : *c == '/' ? add(at, "%2F", 3) : add(at, c, 1);
	at = add_text(at, "&MessageBody=");
	finish(request, target, NULL, add_body(at, number, body_bytes));
}

void request_send(struct request *request, const struct target *target, const uint64_t *numbers, uint32_t count,
		  uint32_t body_bytes)
{
	char *at;

	if (target->protocol == QUERY) {
		send_query(request, target, numbers[0], body_bytes);
		return;
	}
	at = begin_json(request, target);
	if (count == 1) {
		at = add_text(at, ",\"MessageBody\":\"");
		at = add_text(add_body(at, numbers[0], body_bytes), "\"}");
		finish(request, target, "SendMessage", at);
		return;
	}
	at = add_text(at, ",\"Entries\":[");
	for (uint32_t i = 0; i < count; i++) {
		at = add_text(at, i ? ",{\"Id\":\"" : "{\"Id\":\"");
		at = add_text(add_decimal(at, i), "\",\"MessageBody\":\"");
		at = add_text(add_body(at, numbers[i], body_bytes), "\"}");
	}
	finish(request, target, "SendMessageBatch", add_text(at, "]}"));
}

void request_receive(struct request *request, const struct target *target, uint32_t max, uint32_t wait_s)
{
	char *at = add_text(begin_json(request, target), ",\"MaxNumberOfMessages\":");

	at = add_text(add_decimal(at, max), ",\"WaitTimeSeconds\":");
	finish(request, target, "ReceiveMessage", add_text(add_decimal(at, wait_s), "}"));
}

void request_delete(struct request *request, const struct target *target, const struct handle *handles,
		    uint32_t count)
{
	char *at = begin_json(request, target);

	if (count == 1) {
		at = add(add_text(at, ",\"ReceiptHandle\":\""), handles[0].text, handles[0].bytes);
		finish(request, target, "DeleteMessage", add_text(at, "\"}"));
		return;
	}
	at = add_text(at, ",\"Entries\":[");
	for (uint32_t i = 0; i < count; i++) {
		at = add_text(at, i ? ",{\"Id\":\"" : "{\"Id\":\"");
		at = add_text(add_decimal(at, i), "\",\"ReceiptHandle\":\"");
		at = add_text(add(at, handles[i].text, handles[i].bytes), "\"}");
	}
	finish(request, target, "DeleteMessageBatch", add_text(at, "]}"));
}

/* ---- answers ------------------------------------------------------------------------------------- */

__attribute__((noreturn)) static void refuse(const struct http_answer *answer, const char *wanted)
{
	size_t bytes = answer->body_bytes < SHOWN_MAX ? answer->body_bytes : SHOWN_MAX;

	sqs_fail("no %s, but status %d: %.*s", wanted, answer->status, (int)bytes, answer->body);
}

static uint32_t count_of(const struct http_answer *answer, const char *text)
{
	const char *at = answer->body, *end = answer->body + answer->body_bytes;
	size_t bytes = strlen(text);
	uint32_t count = 0;

	while ((at = memmem(at, (size_t)(end - at), text, bytes)) != NULL) {
		at += bytes;
		count++;
	}
	return count;
}

void answer_sent(const struct http_answer *answer, uint32_t count)
{
	bool is_xml = answer->body_bytes > 0 && answer->body[0] == '<';

	if (answer->status != 200 || count_of(answer, is_xml ? "<MessageId>" : "\"MessageId\"") != count)
		refuse(answer, "message sent");
}

void answer_deleted(const struct http_answer *answer, uint32_t count)
{
	if (answer->status != 200 || (count > 1 && count_of(answer, "\"Id\"") != count) ||
	    count_of(answer, "\"Code\"") > 0)
		refuse(answer, "message deleted");
}

/* The next text that `key` names, from `*at` on; `*at` goes behind it. */
static bool next_text(const char **at, const char *end, const char *key, struct handle *ret_text)
{
	const char *found = memmem(*at, (size_t)(end - *at), key, strlen(key)), *quote;

	if (found == NULL)
		return false;
	found += strlen(key);
	found += strspn(found, ": ");
	quote = *found == '"' ? memchr(found + 1, '"', (size_t)(end - found - 1)) : NULL;
	if (quote == NULL)
		return false;
	*ret_text = (struct handle){.text = found + 1, .bytes = (size_t)(quote - found - 1)};
	*at = quote + 1;
	return true;
}

void answer_received(const struct http_answer *answer, struct received *ret_received)
{
	const char *end = answer->body + answer->body_bytes, *bodies = answer->body, *handles = answer->body;
	struct handle body;
	uint32_t count = 0;

	if (answer->status != 200)
		refuse(answer, "message received");
	while (next_text(&bodies, end, "\"Body\"", &body)) {
		if (count == BATCH_MAX ||
		    !next_text(&handles, end, "\"ReceiptHandle\"", &ret_received->handles[count]))
			refuse(answer, "message received");
		ret_received->numbers[count++] = number_of(body.text, body.bytes);
	}
	ret_received->count = count;
}
