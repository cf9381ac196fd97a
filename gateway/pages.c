#include "gateway/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/base64.h>

enum {
	RESULTS_MAX = 1000,
	SUM_DIGITS = 8,
	TOKEN_TEXT_BYTES = BASE64_ENCODE_RAW_LENGTH(SUM_DIGITS + NAME_TEXT_BYTES) + 1,
};

/* ---- tokens: base64 of a checksum and the last name ------------------------------------------- */

static uint32_t sum_of(const char *name)
{
	uint32_t sum = 2166136261; /* FNV-1a */

	for (; *name; name++)
		sum = (sum ^ (unsigned char)*name) * 16777619;
	return sum;
}

static void token_format(const char *name, char ret_token[TOKEN_TEXT_BYTES])
{
	char text[SUM_DIGITS + NAME_TEXT_BYTES];
	size_t bytes = (size_t)snprintf(text, sizeof(text), "%08x%s", sum_of(name), name);

	base64_encode_raw(ret_token, bytes, (const uint8_t *)text);
	ret_token[BASE64_ENCODE_RAW_LENGTH(bytes)] = '\0';
}

static bool token_parse(const char *token, char ret_name[NAME_TEXT_BYTES])
{
	struct base64_decode_ctx decode;
	char text[BASE64_DECODE_LENGTH(TOKEN_TEXT_BYTES) + 1], digits[SUM_DIGITS + 1];
	size_t length = strlen(token), bytes = sizeof(text);

	if (length >= TOKEN_TEXT_BYTES)
		return false;
	base64_decode_init(&decode);
	if (!base64_decode_update(&decode, &bytes, (uint8_t *)text, length, token) || !base64_decode_final(&decode))
		return false;
	text[bytes] = '\0';
	if (bytes <= SUM_DIGITS || bytes >= SUM_DIGITS + NAME_TEXT_BYTES)
		return false;
	snprintf(digits, sizeof(digits), "%08x", sum_of(text + SUM_DIGITS));
	if (memcmp(digits, text, SUM_DIGITS) != 0)
		return false;
	strcpy(ret_name, text + SUM_DIGITS);
	return true;
}

/* ---- pages ------------------------------------------------------------------------------------ */

bool page_begin(struct call *call, struct page *ret_page)
{
	int64_t max = input_integer(call->input, "MaxResults", RESULTS_MAX);
	const char *token = input_text(call->input, "NextToken");

	*ret_page = (struct page){
		.call = call,
		.room = (size_t)max,
		.has_token = json_object_get(call->input, "MaxResults") != NULL,
	};
	if (max < 1 || max > RESULTS_MAX)
		return failure_set(
			&call->failure, INVALID_PARAMETER_VALUE,
			"Value for parameter MaxResults is invalid. Reason: MaxResults must be an integer "
			"between 1 and 1000.");
	if (token && !token_parse(token, ret_page->after))
		return failure_set(
			&call->failure, INVALID_PARAMETER_VALUE,
			"Value for parameter NextToken is invalid. Reason: Invalid or expired next token.");
	ret_page->urls = json_array();
	return ret_page->urls ? true : failure_set(&call->failure, INTERNAL_FAILURE, "out of memory");
}

bool page_is_before(const struct page *page, const char *name)
{
	return strcmp(name, page->after) > 0;
}

bool page_add(struct page *page, const char *name)
{
	char url[ADDRESS_TEXT_BYTES];

	if (page->room == 0) {
		page->is_more = true;
		return false;
	}
	page->room--;
	snprintf(page->last, sizeof(page->last), "%s", name);
	address_url(page->call, name, url);
	json_array_append_new(page->urls, json_string(url));
	return true;
}

enum call_outcome page_end(struct page *page, const char *member)
{
	json_t *output = page->call->output;
	char token[TOKEN_TEXT_BYTES];

	if (json_array_size(page->urls) > 0)
		json_object_set(output, member, page->urls);
	json_decref(page->urls);
	if (page->is_more && page->has_token) {
		token_format(page->last, token);
		json_object_set_new(output, "NextToken", json_string(token));
	}
	return CALL_DONE;
}
