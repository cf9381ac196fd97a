/* Numbers as values of message attributes. */
#ifndef GATEWAY_NUMBER_H
#define GATEWAY_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* A decimal number of at most 38 digits of precision, 0 or 10^-128 .. 10^126 in size. */
bool number_is_valid(const char *text, size_t bytes);

#endif
