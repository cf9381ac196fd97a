/* Durations as people write them: 30s, 500ms, 12h, 1d, 1h30m, 1.5s; a bare number is seconds. */
#ifndef TOOLS_DURATION_H
#define TOOLS_DURATION_H

#include <stdint.h>

enum { DURATION_TEXT_BYTES = 48 };

/* Returns 0 and milliseconds, or -1 if `text` is no duration or does not fit. */
int duration_parse(const char *text, int64_t *ret_ms);

/* Exact, in the form that duration_parse() reads. `ret_text` has DURATION_TEXT_BYTES. */
void duration_format(int64_t duration_ms, char *ret_text);

/* For the eye: at most the two largest units, "3m12s". */
void duration_format_short(int64_t duration_ms, char *ret_text);

#endif
