#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ringlease.h>

#include "duration.h"
#include "help.h"
#include "report.h"

enum {
	SPECS_MAX = 40,
	VAL_FIRST = 1000, /* getopt's values; out of the way of characters */
};

static const struct option_spec common_specs[] = {
	{.name = "dir",
	 .value = "DIR",
	 .kind = OPTION_TEXT,
	 .completion = COMPLETE_DIRECTORIES,
	 .offset = offsetof(struct common_options, directory),
	 .help = "where the queues are (else $RINGLEASE_DIR, else /dev/shm/ringlease-UID)"},
	{.name = "data",
	 .value = "DIR",
	 .kind = OPTION_TEXT,
	 .completion = COMPLETE_DIRECTORIES,
	 .offset = offsetof(struct common_options, data),
	 .help = "where the journal is (else $RINGLEASE_DATA, else as ringleased finds it)"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .offset = offsetof(struct common_options, json),
	 .help = "print one JSON object a line"},
	{.name = "help", .kind = OPTION_HELP, .help = "print this"},
	{.name = NULL},
};

const struct option_spec *options_common(void)
{
	return common_specs;
}

int number_parse(const char *text, uint64_t *ret_number)
{
	char *end;
	unsigned long long number;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || *end)
		return -1;
	*ret_number = number;
	return 0;
}

/* The specs of a command and the common ones, side by side with what getopt_long wants. */
struct option_set {
	const struct option_spec *specs[SPECS_MAX];
	struct option longs[SPECS_MAX + 1];
	int count;
};

static void option_set_add(struct option_set *set, const struct option_spec *spec)
{
	for (; spec && spec->name && set->count < SPECS_MAX; spec++, set->count++) {
		const bool bare = spec->kind == OPTION_FLAG || spec->kind == OPTION_HELP ||
				  spec->kind == OPTION_VERSION || (spec->kind == OPTION_CALL && !spec->value);

		set->specs[set->count] = spec;
		set->longs[set->count] = (struct option){.name = spec->name,
							 .has_arg = bare ? no_argument : required_argument,
							 .val = VAL_FIRST + set->count};
	}
}

static int out_of_range(const struct option_spec *spec, const char *text)
{
	char min[DURATION_TEXT_BYTES], max[DURATION_TEXT_BYTES];

	if (spec->kind == OPTION_DURATION) {
		duration_format((int64_t)spec->min, min);
		duration_format((int64_t)spec->max, max);
	} else {
		snprintf(min, sizeof(min), "%llu", (unsigned long long)spec->min);
		snprintf(max, sizeof(max), "%llu", (unsigned long long)spec->max);
	}
	if (!spec->max)
		return report(EXIT_USAGE, "--%s: out of range: %s (%s or more)", spec->name, text, min);
	return report(EXIT_USAGE, "--%s: out of range: %s (%s to %s)", spec->name, text, min, max);
}

static int store_duration(const struct option_spec *spec, const char *text, int64_t *into)
{
	int64_t duration_ms;

	if (duration_parse(text, &duration_ms))
		return report(EXIT_USAGE, "--%s: not a duration: %s (30s, 500ms, 12h; a bare number is seconds)",
			      spec->name, text);
	if ((uint64_t)duration_ms < spec->min || (spec->max && (uint64_t)duration_ms > spec->max))
		return out_of_range(spec, text);
	*into = duration_ms;
	return 0;
}

static int store_number(const struct option_spec *spec, const char *text, uint64_t *into)
{
	uint64_t number;

	if (number_parse(text, &number))
		return report(EXIT_USAGE, "--%s: not a whole number: %s", spec->name, text);
	if (number < spec->min || (spec->max && number > spec->max))
		return out_of_range(spec, text);
	*into = number;
	return 0;
}

static int store(void *options, const struct option_spec *spec, const char *text)
{
	void *into = (char *)options + spec->offset;

	switch (spec->kind) {
	case OPTION_FLAG:
		*(bool *)into = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)into = text;
		return 0;
	case OPTION_DURATION:
		return store_duration(spec, text, into);
	case OPTION_NUMBER:
		return store_number(spec, text, into);
	default:
		return spec->parse(options, spec, text);
	}
}

/* getopt_long takes "--del" for "--delete". A script that relies on that breaks when an option is
 * added, and "create --group" would mean --group-owner: only whole names count here. */
static const char *shortened_name(const struct option_spec *spec, char **argv)
{
	const char *word = argv[optind - 1];

	if (optarg && word == optarg)
		word = argv[optind - 2];
	word += 2;
	return strcspn(word, "=") == strlen(spec->name) ? NULL : word - 2;
}

static int refuse(const struct command *command, const char *what, const char *which)
{
	return report(EXIT_USAGE, "%s: %s (ringlease%s%s --help lists what there is)", what, which,
		      command->name ? " " : "", command->name ? command->name : "");
}

static int refuse_unknown(const struct command *command, char **argv, int got)
{
	char letter[3] = {'-', (char)optopt, '\0'};

	if (got == ':')
		return refuse(command, "option needs a value", argv[optind - 1]);
	/* optopt is a long option's val when it was given a value that it does not take. */
	if (optopt >= VAL_FIRST)
		return refuse(command, "option takes no value", argv[optind - 1]);
	return refuse(command, "unknown option", optopt ? letter : argv[optind - 1]);
}

static bool check_arguments(const struct command *command, const struct common_options *common, int *ret_exit)
{
	if (common->argument_count < command->arguments_min)
		*ret_exit = report(EXIT_USAGE, "too few arguments (usage: ringlease %s %s)", command->name,
				   command->arguments);
	else if (common->argument_count > command->arguments_max)
		*ret_exit = report(EXIT_USAGE, "unexpected argument: %s (usage: ringlease %s %s)",
				   common->arguments[command->arguments_max], command->name, command->arguments);
	else
		return true;
	return false;
}

/* Handles one answer of getopt_long; false: all is said. */
static bool take_option(const struct command *command, const struct option_set *set, int got, char **argv,
			void *options, int *ret_exit)
{
	const struct option_spec *spec;

	if (got < VAL_FIRST) {
		*ret_exit = refuse_unknown(command, argv, got);
		return false;
	}
	spec = set->specs[got - VAL_FIRST];
	if (shortened_name(spec, argv)) {
		*ret_exit = refuse(command, "unknown option", shortened_name(spec, argv));
		return false;
	}
	if (spec->kind == OPTION_HELP || spec->kind == OPTION_VERSION) {
		if (spec->kind == OPTION_HELP)
			help_print(command);
		else
			printf("ringlease %s\n", rlq_version());
		*ret_exit = EXIT_DONE;
		return false;
	}
	*ret_exit = store(options, spec, optarg);
	return *ret_exit == EXIT_DONE;
}

bool options_parse(const struct command *command, int argc, char **argv, void *options, int *ret_exit)
{
	struct common_options *common = options;
	struct option_set set = {.count = 0};
	int got;

	option_set_add(&set, command->options);
	option_set_add(&set, common_specs);
	opterr = 0;
	optind = 0; /* glibc: forget what an earlier parse left */
	while ((got = getopt_long(argc, argv, command->name ? ":" : "+:", set.longs, NULL)) != -1)
		if (!take_option(command, &set, got, argv, options, ret_exit))
			return false;
	common->arguments = argv + optind;
	common->argument_count = argc - optind;
	return check_arguments(command, common, ret_exit);
}
