#include "gateway/number.h"

#include <stdint.h>

enum { PRECISION_MAX = 38, MAGNITUDE_MIN = -128, MAGNITUDE_MAX = 126, EXPONENT_MAX = 100 * 1000 * 1000 };

struct digits {
	int64_t count, before_point;
	int64_t first, last; /* that are not 0; -1: there are none */
	char leading;	     /* the first of these */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Returns where they end. */
static size_t digits_read(const char *text, size_t bytes, size_t at, struct digits *ret)
{
	*ret = (struct digits){.before_point = -1, .first = -1, .last = -1};
	for (; at < bytes; at++) {
		if (text[at] == '.' && ret->before_point < 0) {
			ret->before_point = ret->count;
			continue;
		}
		if (!is_digit(text[at]))
			break;
		if (text[at] != '0') {
			if (ret->first < 0) {
				ret->first = ret->count;
				ret->leading = text[at];
			}
			ret->last = ret->count;
		}
		ret->count++;
	}
	if (ret->before_point < 0)
		ret->before_point = ret->count;
	return at;
}

/* Of what is left, which must be an exponent or nothing. */
static bool exponent_read(const char *text, size_t bytes, size_t at, int64_t *ret_exponent)
{
	bool is_negative = false;

	*ret_exponent = 0;
	if (at == bytes)
		return true;
	if (text[at] != 'e' && text[at] != 'E')
		return false;
	at++;
	if (at < bytes && (text[at] == '-' || text[at] == '+'))
		is_negative = text[at++] == '-';
	if (at == bytes)
		return false;
	for (; at < bytes; at++) {
		if (!is_digit(text[at]))
			return false;
		if (*ret_exponent < EXPONENT_MAX)
			*ret_exponent = *ret_exponent * 10 + (text[at] - '0');
	}
	if (is_negative)
		*ret_exponent = -*ret_exponent;
	return true;
}

bool number_is_valid(const char *text, size_t bytes)
{
	size_t at = bytes > 0 && (text[0] == '-' || text[0] == '+');
	struct digits digits;
	int64_t exponent, magnitude;

	at = digits_read(text, bytes, at, &digits);
	if (digits.count == 0 || !exponent_read(text, bytes, at, &exponent))
		return false;
	if (digits.first < 0)
		return true;
	magnitude = digits.before_point - 1 - digits.first + exponent; /* of the leading digit */
	if (digits.last - digits.first >= PRECISION_MAX || magnitude < MAGNITUDE_MIN)
		return false;
	return magnitude < MAGNITUDE_MAX ||
	       (magnitude == MAGNITUDE_MAX && digits.leading == '1' && digits.first == digits.last);
}
