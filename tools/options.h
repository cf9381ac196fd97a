/* Options as tables. One table per command feeds getopt_long, --help and the shell completion, so the
 * three cannot drift apart. */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Every command's options struct begins with this one. */
struct common_options {
	const char *directory; /* NULL: as the library says */
	const char *data;
	bool json;
	char **arguments; /* what is not an option */
	int argument_count;
};

enum option_kind {
	OPTION_FLAG,	 /* bool */
	OPTION_TEXT,	 /* const char * */
	OPTION_DURATION, /* int64_t, milliseconds */
	OPTION_NUMBER,	 /* uint64_t */
	OPTION_CALL,	 /* parse() decides */
	OPTION_HELP,
	OPTION_VERSION,
};

/* What a shell may offer for a value or an argument. */
enum completion {
	COMPLETE_NOTHING,
	COMPLETE_QUEUES,
	COMPLETE_FILES,
	COMPLETE_DIRECTORIES,
	COMPLETE_ATTRIBUTES, /* ATTR= of set */
	COMPLETE_COMMANDS,
	COMPLETE_WORDS, /* the words of `value`, or of a command's `arguments`, separated by | */
};

struct option_spec {
	const char *name;
	const char *value; /* how help names the value; NULL for flags */
	const char *help;  /* NULL: not shown (options of later versions) */
	enum option_kind kind;
	size_t offset;	   /* of the value in the command's options struct */
	uint64_t min, max; /* of numbers and durations; max 0: no limit */
	enum completion completion;
	/* Returns 0 or an exit status, after a report. */
	int (*parse)(void *options, const struct option_spec *spec, const char *text);
};

struct command {
	const char *name;
	const char *arguments;		   /* as help shows them */
	const char *summary;		   /* one line, for the list of commands */
	const char *notes;		   /* more for --help; may be NULL */
	const struct option_spec *options; /* ends with a NULL name; may be NULL */
	const void *defaults;		   /* NULL: all zero */
	size_t options_bytes;
	int arguments_min, arguments_max;
	enum completion first, rest; /* what the arguments are */
	int (*run)(void *options);
	void (*drop)(void *options); /* frees what parsing or running allocated; may be NULL */
};

enum { ARGUMENTS_MANY = 1 << 20 };

/* Parses `argv` into `options`, which holds the defaults. Returns true if the command may run, false
 * if all is said and *ret_exit is the status. With a command that has no name, parsing ends at the
 * first argument: what stands before the sub-command. */
bool options_parse(const struct command *command, int argc, char **argv, void *options, int *ret_exit);

/* Options that all commands share; ends with a NULL name. */
const struct option_spec *options_common(void);

/* Reads a whole number; -1 if it is none. */
int number_parse(const char *text, uint64_t *ret_number);

#endif
