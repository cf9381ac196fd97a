#include "complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ringlease.h>

#include "attributes.h"
#include "commands.h"
#include "options.h"
#include "report.h"

/* What the words before the last one say. */
struct typed {
	const struct command *command;	   /* NULL: the sub-command itself is being typed */
	const struct option_spec *waiting; /* an option whose value is being typed */
	const char *directory;
	int argument_count; /* of the command, before the last word */
};

static const struct option_spec *find_in(const struct option_spec *spec, const char *name, size_t length)
{
	for (; spec && spec->name; spec++)
		if (strlen(spec->name) == length && !memcmp(spec->name, name, length))
			return spec;
	return NULL;
}

static const struct option_spec *find_option(const struct command *command, const char *word)
{
	const size_t length = strcspn(word + 2, "=");
	const struct option_spec *spec = command ? find_in(command->options, word + 2, length) : NULL;

	return spec ? spec : find_in(options_common(), word + 2, length);
}

static void take_option(struct typed *typed, const char *word)
{
	const struct option_spec *spec = find_option(typed->command, word);
	const char *equals = strchr(word, '=');

	if (!spec || !spec->value)
		return;
	if (!equals)
		typed->waiting = spec;
	else if (!strcmp(spec->name, "dir"))
		typed->directory = equals + 1;
}

static void take_word(struct typed *typed, const char *word)
{
	if (typed->waiting && !strcmp(word, "="))
		return; /* bash hands "--dir=X" over in three */
	if (typed->waiting) {
		if (!strcmp(typed->waiting->name, "dir"))
			typed->directory = word;
		typed->waiting = NULL;
	} else if (!strncmp(word, "--", 2)) {
		take_option(typed, word);
	} else if (!typed->command) {
		typed->command = command_find(word);
	} else {
		typed->argument_count++;
	}
}

static int print_name(void *context, const char *name)
{
	(void)context;
	puts(name);
	return 0;
}

/* Says nothing when the directory cannot be read: an error in the middle of typing helps nobody. Nor
 * does a half-typed name become a directory, which opening it would make. */
static void offer_queues(const char *directory_path)
{
	const char *path = directory_path ? directory_path : getenv("RINGLEASE_DIR");
	struct rlq_directory *directory;

	if (path && *path && access(path, R_OK | X_OK))
		return;
	if (rlq_directory_open(directory_path, &directory) < 0)
		return;
	rlq_queue_list(directory, NULL, print_name, NULL);
	rlq_directory_close(directory);
}

static void offer_options(const struct option_spec *spec)
{
	for (; spec && spec->name; spec++)
		if (spec->help)
			printf("--%s\n", spec->name);
}

static void offer_words(const char *words)
{
	for (;; words++) {
		const size_t length = strcspn(words, "|");

		printf("%.*s\n", (int)length, words);
		words += length;
		if (!*words)
			break;
	}
}

static void offer(enum completion completion, const struct typed *typed, const struct option_spec *spec)
{
	switch (completion) {
	case COMPLETE_NOTHING:
		break;
	case COMPLETE_QUEUES:
		offer_queues(typed->directory);
		break;
	case COMPLETE_FILES:
		puts(":files");
		break;
	case COMPLETE_DIRECTORIES:
		puts(":directories");
		break;
	case COMPLETE_ATTRIBUTES:
		for (size_t i = 0; attribute_settable(i); i++)
			printf("%s=\n", attribute_settable(i));
		break;
	case COMPLETE_COMMANDS:
		for (size_t i = 0; i < command_count(); i++)
			puts(command_at(i)->name);
		puts("help");
		break;
	case COMPLETE_WORDS:
		offer_words(spec ? spec->value : typed->command->arguments);
		break;
	}
}

int complete_words(const struct command *root, int count, char **words)
{
	const char *last = count ? words[count - 1] : "";
	struct typed typed = {.command = NULL};

	for (int i = 0; i + 1 < count; i++)
		take_word(&typed, words[i]);
	/* Behind "ATTR=" comes a value, of which nothing is known. */
	if (!typed.waiting && (!strcmp(last, "=") || (count > 1 && !strcmp(words[count - 2], "="))))
		return EXIT_DONE;
	if (typed.waiting) {
		offer(typed.waiting->completion, &typed, typed.waiting);
	} else if (last[0] == '-') {
		offer_options(typed.command ? typed.command->options : root->options);
		offer_options(options_common());
	} else if (!typed.command) {
		offer(root->first, &typed, NULL);
	} else {
		offer(typed.argument_count ? typed.command->rest : typed.command->first, &typed, NULL);
	}
	return EXIT_DONE;
}
