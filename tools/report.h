/* One line on stderr for each failure, and the exit status that scripts rely on. */
#ifndef TOOLS_REPORT_H
#define TOOLS_REPORT_H

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_EMPTY = 3,
	EXIT_FULL = 4,
	EXIT_STALE = 5,
	EXIT_NOQUEUE = 6,
};

/* Names the sub-command that all later lines begin with; NULL for none. */
void report_command(const char *name);

/* Prints "ringlease: COMMAND: TEXT" and returns `exit_code`, so that callers can `return report(...)`. */
int report(int exit_code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says what a code of the library means for `queue`, and what to do. Returns the exit status. */
int report_code(int code, const char *queue);

/* The exit status for a code of the library. */
int report_exit_code(int code);

/* What group, deduplication and attempt ids look like. */
#define ID_HINT "1 to 128 ASCII letters, digits and punctuation marks, no blanks"

#endif
