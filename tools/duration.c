#include "duration.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Largest first: formatting walks down this list. */
static const struct unit {
	const char *name;
	int64_t ms;
} units[] = {
	{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};

enum { UNIT_COUNT = sizeof(units) / sizeof(units[0]), FRACTION_DIGITS_MAX = 9 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads the unit at `*text`, without mistaking "ms" for "m". */
static int64_t unit_parse(const char **text)
{
	size_t length = 0;

	while ((*text)[length] >= 'a' && (*text)[length] <= 'z')
		length++;
	for (int i = 0; i < UNIT_COUNT; i++) {
		if (strlen(units[i].name) == length && !memcmp(units[i].name, *text, length)) {
			*text += length;
			return units[i].ms;
		}
	}
	return 0;
}

/* A number with an optional fraction, as whole * scale + fraction over scale. */
struct decimal {
	int64_t whole;
	int64_t fraction;
	int64_t scale;
};

static int decimal_parse(const char **text, struct decimal *ret_decimal)
{
	struct decimal decimal = {.scale = 1};
	const char *at = *text;

	if (!is_digit(*at))
		return -1;
	for (; is_digit(*at); at++)
		if (__builtin_mul_overflow(decimal.whole, 10, &decimal.whole) ||
		    __builtin_add_overflow(decimal.whole, *at - '0', &decimal.whole))
			return -1;
	if (*at == '.') {
		if (!is_digit(*++at))
			return -1;
		for (int digits = 0; is_digit(*at); at++) {
			if (++digits > FRACTION_DIGITS_MAX)
				return -1;
			decimal.fraction = decimal.fraction * 10 + (*at - '0');
			decimal.scale *= 10;
		}
	}
	*text = at;
	*ret_decimal = decimal;
	return 0;
}

int duration_parse(const char *text, int64_t *ret_ms)
{
	int64_t total_ms = 0;
	bool first = true;

	do {
		struct decimal decimal;
		int64_t unit_ms, part_ms;

		if (decimal_parse(&text, &decimal))
			return -1;
		/* A bare number is seconds, but only alone: "1h30" would be a guess. */
		unit_ms = first && !*text ? 1000 : unit_parse(&text);
		if (!unit_ms || __builtin_mul_overflow(decimal.whole, unit_ms, &part_ms) ||
		    __builtin_add_overflow(part_ms, decimal.fraction * unit_ms / decimal.scale, &part_ms) ||
		    __builtin_add_overflow(total_ms, part_ms, &total_ms))
			return -1;
		first = false;
	} while (*text);
	*ret_ms = total_ms;
	return 0;
}

static void format_units(int64_t duration_ms, int parts_max, char *ret_text)
{
	size_t at = 0;
	int parts = 0;

	ret_text[0] = '\0';
	if (duration_ms < 0)
		duration_ms = 0;
	for (int i = 0; i < UNIT_COUNT && parts < parts_max; i++) {
		const int64_t count = duration_ms / units[i].ms;

		duration_ms -= count * units[i].ms;
		if (count && at < DURATION_TEXT_BYTES)
			at += (size_t)snprintf(ret_text + at, DURATION_TEXT_BYTES - at, "%lld%s", (long long)count,
					       units[i].name);
		/* Once begun, a unit of zero uses up its place: 1d then 5s reads "1d". */
		if (count || parts)
			parts++;
	}
	if (!at)
		snprintf(ret_text, DURATION_TEXT_BYTES, "0s");
}

void duration_format(int64_t duration_ms, char *ret_text)
{
	format_units(duration_ms, UNIT_COUNT, ret_text);
}

void duration_format_short(int64_t duration_ms, char *ret_text)
{
	/* Below a second only milliseconds are left; above it they are noise. */
	if (duration_ms >= 1000)
		duration_ms -= duration_ms % 1000;
	format_units(duration_ms, 2, ret_text);
}
