/* Whole requests from any bytes: nobody is let in who has not signed, what is answered can be written, and a signed
 * request of which a byte was changed is let in only with the body, the method and the queries that were signed. */
#include "gateway/security.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/words.h"
#include "tests/gateway/keys_file.h"
#include "tests/gateway/raw_request.h"

#include <stdlib.h>
#include <string.h>

enum { NOW_S = 1772366400 /* 20260301T120000Z */, CHANGES_MAX = 4 };

#define SCOPE "AKIDEXAMPLE/20260301/eu-west-1/sqs/aws4_request"
#define DATE "X-Amz-Date: 20260301T120000Z\n"
#define ZEROS "00000000000000000000000000000000"

/* Signed by botocore, as in test_sigv4.c. */
static const char *const sound[] = {
	"POST / HTTP/1.1\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\nhost: "
	"localhost:9324\n" DATE "Authorization: AWS4-HMAC-SHA256 Credential=" SCOPE
	", SignedHeaders=content-type;host;x-amz-date, Signature="
	"2da899d284f256ea343d675c14533fabb5b38a8be3afe2f0a273dede5d847796\n\nAction=SendMessage&Version=2012-11-05&"
	"QueueUrl=http%3A%2F%2Flocalhost%3A9324%2F123456789012%2Fmy-queue&MessageBody=hello+%26+good++day+%2B1+~%"
	"C3%BC",
	"GET /?Action=ReceiveMessage&Version=2012-11-05&QueueUrl=http%3A%2F%2Flocalhost%3A9324%2F123456789012%2F"
	"my-queue&MaxNumberOfMessages=10&AttributeName.1=All&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
	"AKIDEXAMPLE%2F20260301%2Feu-west-1%2Fsqs%2Faws4_request&X-Amz-Date=20260301T120000Z&"
	"X-Amz-SignedHeaders=host&X-Amz-Expires=60&X-Amz-Signature="
	"8666b3a7c17f639931015cd93f33f3c8027d1755d14f617140a25f828b10b25d HTTP/1.1\nhost: localhost:9324\n\n",
};

static const char *const words[] = {
	"GET /",
	"POST /",
	" HTTP/1.1\n",
	"\n",
	"\n\n",
	"?",
	"&",
	"=",
	"%",
	"%2F",
	"+",
	"..",
	"/",
	";",
	", ",
	"X-Amz-Algorithm=AWS4-HMAC-SHA256",
	"&X-Amz-Credential=" SCOPE,
	"&X-Amz-Date=20260301T120000Z",
	"&X-Amz-SignedHeaders=host",
	"&X-Amz-Expires=60",
	"&X-Amz-Signature=" ZEROS ZEROS,
	"Host: a\n",
	DATE,
	"Date: Sun, 01 Mar 2026 12:00:00 GMT\n",
	"X-Amz-Target: AmazonSQS.SendMessage\n",
	"X-Amz-Security-Token: x\n",
	"Authorization: AWS4-HMAC-SHA256 ",
	"Credential=" SCOPE,
	"Credential=A/20260301/",
	", SignedHeaders=host",
	";x-amz-date;x-amz-target",
	", Signature=" ZEROS ZEROS,
};

static struct credentials *credentials;
static struct raw_request raw, original;

static void check(bool is_so)
{
	if (!is_so)
		abort();
}

/* Answers are in UTF-8. */
static bool can_be_written(const char *message)
{
	json_t *text = json_string(message);

	json_decref(text);
	return text != NULL;
}

static void begin(void)
{
	char fault[CREDENTIALS_TEXT_BYTES];

	keys_begin();
	atexit(keys_end);
	keys_write("[a]\naws_access_key_id = AKIDEXAMPLE\n"
		   "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n",
		   0600);
	credentials = credentials_open(keys_path, "111122223333", fault);
	check(credentials != NULL);
}

/* Is it let in as somebody? */
static bool is_let_in(const char *text, size_t bytes)
{
	struct failure failure = {.code = FAILURE_NONE};
	char region[REGION_TEXT_BYTES];
	struct caller caller;
	bool is_good, has_region;

	raw_request_read(&raw, text, bytes, NOW_S);
	has_region = signature_region(&raw.request, region);
	is_good = signature_check(credentials, &raw.request, &caller, &failure);
	check(is_good ||
	      (failure.code > FAILURE_NONE && failure.code < FAILURE_CODES && can_be_written(failure.message)));
	check(!is_good || caller.account[0] == '\0' || (has_region && strcmp(region, "eu-west-1") == 0));
	return is_good && caller.account[0] != '\0';
}

static void try_changed(const char *sound_text, const uint8_t *bytes, size_t count)
{
	char text[2048];
	size_t text_bytes = strlen(sound_text);

	strcpy(text, sound_text);
	for (size_t i = 0; i + 2 < count && i < 3 * CHANGES_MAX; i += 3)
		text[(bytes[i] * 256U + bytes[i + 1]) % text_bytes] = (char)bytes[i + 2];
	if (!is_let_in(text, text_bytes))
		return;
	raw_request_read(&original, sound_text, text_bytes, NOW_S);
	check(strcmp(raw.request.method, original.request.method) == 0);
	check(raw.request.body_bytes == original.request.body_bytes);
	check(memcmp(raw.request.body, original.request.body, original.request.body_bytes) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	static char text[RAW_BYTES_MAX];
	size_t text_bytes = words_write(words, sizeof(words) / sizeof(words[0]), bytes, count, text, sizeof(text));

	if (credentials == NULL)
		begin();
	/* The signature of none of them is known to who made it. */
	check(!is_let_in((const char *)bytes, count) || memmem(bytes, count, "AKIDEXAMPLE", 11) != NULL);
	check(!is_let_in(text, text_bytes));
	for (size_t i = 0; i < sizeof(sound) / sizeof(sound[0]); i++) {
		check(is_let_in(sound[i], strlen(sound[i])));
		try_changed(sound[i], bytes, count);
	}
	return 0;
}
