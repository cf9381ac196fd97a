/* journal: looks at the journal of durable queues. */
#include <limits.h>
#include <string.h>

#include "data.h"
#include "journal.h"
#include "report.h"

static const struct verb {
	const char *name;
	int (*run)(const struct journal_options *options, const char *data);
} verbs[] = {
	{"ls", journal_ls},
	{"dump", journal_dump},
	{"verify", journal_verify},
};

static const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

static int journal_run(void *opaque)
{
	const struct journal_options *options = opaque;
	const char *name = options->common.arguments[0];
	const struct verb *verb = verb_find(name);
	const bool compacts = !strcmp(name, "compact");
	char data[PATH_MAX];
	int rc;

	if (!verb && !compacts)
		return report(EXIT_USAGE, "no such verb: %s (ls, dump, verify or compact)", name);
	if (options->queue && (compacts || verb->run != journal_dump))
		return report(EXIT_USAGE, "--queue goes with dump");
	if (options->key_count > 0 && (compacts || verb->run == journal_ls))
		return report(EXIT_USAGE, "--key-file goes with dump and verify");
	if (compacts)
		return journal_compact(options);
	rc = data_path(&options->common, data, sizeof(data));
	return rc ? rc : verb->run(options, data);
}

static int take_key(void *opaque, const struct option_spec *spec, const char *text)
{
	struct journal_options *options = opaque;

	if (options->key_count == JOURNAL_KEYS_MAX)
		return report(EXIT_USAGE, "--%s: more than %d keys", spec->name, JOURNAL_KEYS_MAX);
	options->keys[options->key_count++] = text;
	return EXIT_DONE;
}

static const struct option_spec journal_specs[] = {
	{.name = "queue",
	 .value = "QUEUE",
	 .kind = OPTION_TEXT,
	 .completion = COMPLETE_QUEUES,
	 .offset = offsetof(struct journal_options, queue),
	 .help = "dump: only records of this queue"},
	{.name = "key-file",
	 .value = "FILE",
	 .kind = OPTION_CALL,
	 .parse = take_key,
	 .completion = COMPLETE_FILES,
	 .help = "dump, verify: a key that files are encrypted with, as ringleased has it; may be given again"},
	{.name = "key",
	 .value = "keyring:NAME",
	 .kind = OPTION_CALL,
	 .parse = take_key,
	 .help = "the same, of the kernel's key rings"},
	{.name = NULL},
};

const struct command cmd_journal = {
	.name = "journal",
	.arguments = "ls|dump|verify|compact",
	.summary = "Look at the journal of durable queues: its files, its records, whether it is sound; make it "
		   "smaller",
	.notes =
		"ls: a line for each file. dump: a line for each record. verify: reads all and says what is "
		"damaged\n"
		"or missing; exit status 1 if anything is. dump needs the keys of an encrypted journal; verify "
		"needs none,\n"
		"and with them also finds what was altered on purpose. They change nothing; an engine may go on "
		"writing, or\n"
		"none run.\n"
		"compact: asks the engine of the directory to give back files of which little lives, and says what "
		"is left.",
	.options = journal_specs,
	.options_bytes = sizeof(struct journal_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.first = COMPLETE_WORDS,
	.run = journal_run,
};
