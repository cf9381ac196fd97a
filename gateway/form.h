/* Form-encoded text: NAME=VALUE&..., '+' for a blank, %XX for any byte. */
#ifndef GATEWAY_FORM_H
#define GATEWAY_FORM_H

#include <stdbool.h>
#include <stddef.h>

struct form_pair {
	char *name; /* without U+0000; ends with a zero */
	char *value;
	size_t value_bytes; /* a zero follows them */
};

struct form {
	struct form_pair *pairs;
	size_t count, pairs_max;
	char *texts; /* that they point into */
	size_t texts_bytes;
};

enum form_outcome {
	FORM_READ,
	FORM_MALFORMED, /* a '%' without two hexadecimal digits, a zero byte in a name */
	FORM_TOO_MANY,
	FORM_NO_MEMORY
};

/* Of two texts, one after the other; either may be empty. To be freed, whatever the outcome. */
enum form_outcome form_read(struct form *ret_form, const char *first, size_t first_bytes, const char *second,
			    size_t second_bytes, size_t pairs_max);
void form_free(struct form *form);

#endif
