/* Queue URLs and ARNs. Of a path the last part counts, so all styles are the same here. */
#include "gateway/address.h"

#include <stdio.h>
#include <string.h>

/* ---- paths ------------------------------------------------------------------------------------ */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes `length` bytes. False: there is no room for them, or one would be 0. */
static bool decode(const char *text, size_t length, char ret_name[NAME_TEXT_BYTES])
{
	char name[NAME_TEXT_BYTES];
	size_t at = 0;

	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (c == '%' && i + 2 < length && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
			c = (char)(digit(text[i + 1]) * 16 + digit(text[i + 2]));
			i += 2;
		}
		if (c == '\0' || at == NAME_TEXT_BYTES - 1)
			return false;
		name[at++] = c;
	}
	name[at] = '\0';
	memcpy(ret_name, name, at + 1);
	return at > 0;
}

/* The last part of a path, and how many there are; empty ones do not count. */
static size_t last_part(const char *path, const char **ret_part, size_t *ret_length)
{
	size_t left = strcspn(path, "?#"), count = 0;

	while (left > 0) {
		const char *slash = memchr(path, '/', left);
		size_t length = slash ? (size_t)(slash - path) : left;

		if (length > 0) {
			*ret_part = path;
			*ret_length = length;
			count++;
		}
		length += slash != NULL;
		path += length;
		left -= length;
	}
	return count;
}

bool address_from_path(const char *path, char ret_name[NAME_TEXT_BYTES])
{
	const char *part;
	size_t length;

	return last_part(path, &part, &length) >= 2 && decode(part, length, ret_name);
}

/* What follows "scheme://host", or all of it. */
static const char *path_of(const char *url)
{
	size_t scheme = strspn(url, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+.-");

	if (scheme == 0 || strncmp(url + scheme, "://", 3) != 0)
		return url;
	url += scheme + 3;
	return url + strcspn(url, "/?#");
}

bool address_from_url(const char *url, char ret_name[NAME_TEXT_BYTES])
{
	const char *part;
	size_t length;

	return last_part(path_of(url), &part, &length) >= 1 && decode(part, length, ret_name);
}

void address_url(const struct call *call, const char *name, char ret_url[ADDRESS_TEXT_BYTES])
{
	snprintf(ret_url, ADDRESS_TEXT_BYTES, "%s/%s/%s", call->base_url, call->gateway->account, name);
}

/* ---- ARNs ------------------------------------------------------------------------------------- */

enum { ARN_PARTS = 6 }; /* arn, partition, service, region, account, name */

bool address_from_arn(const char *arn, char ret_name[NAME_TEXT_BYTES])
{
	const char *part = arn;
	size_t length;

	for (int i = 0; i < ARN_PARTS - 1; i++) {
		length = strcspn(part, ":");
		if (length == 0 || part[length] == '\0')
			return false;
		if ((i == 0 && strncmp(part, "arn:", 4) != 0) || (i == 2 && strncmp(part, "sqs:", 4) != 0))
			return false;
		part += length + 1;
	}
	length = strlen(part);
	if (length == 0 || length >= NAME_TEXT_BYTES || memchr(part, ':', length))
		return false;
	memcpy(ret_name, part, length + 1);
	return true;
}

static const char *partition_of(const char *region)
{
	if (strncmp(region, "cn-", 3) == 0)
		return "aws-cn";
	return strncmp(region, "us-gov-", 7) == 0 ? "aws-us-gov" : "aws";
}

void address_arn(const struct call *call, const char *name, char ret_arn[ADDRESS_TEXT_BYTES])
{
	snprintf(ret_arn, ADDRESS_TEXT_BYTES, "arn:%s:sqs:%s:%s:%s", partition_of(call->region), call->region,
		 call->gateway->account, name);
}
