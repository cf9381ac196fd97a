/* The command: finds the sub-command, parses its options, runs it, and makes sure that what it
 * printed has arrived. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "complete.h"
#include "help.h"
#include "options.h"
#include "report.h"

enum { STDOUT_BUFFER_BYTES = 1 << 16 };

static const struct option_spec root_specs[] = {
	{.name = "version", .kind = OPTION_VERSION, .help = "print the version"},
	{.name = NULL},
};

static const struct command root = {
	.arguments = "",
	.summary = "Queues between processes of one host: send, receive under a lease, delete",
	.notes = "ringlease COMMAND --help says more. Durations: 30s, 500ms, 12h; a bare number is seconds.\n"
		 "Exit status: 0 done, 1 failed, 2 usage, 3 empty, 4 full, 5 stale receipt, 6 no such queue.",
	.options = root_specs,
	.options_bytes = sizeof(struct common_options),
	.arguments_max = ARGUMENTS_MANY,
	.first = COMPLETE_COMMANDS,
};

/* A full disk or a closed pipe shows at the flush; exit 0 must mean that the output arrived. */
static int finish_output(int exit_code)
{
	if (!ferror(stdout) && !fflush(stdout))
		return exit_code;
	return exit_code ? exit_code : report(EXIT_FAILED, "cannot write the output: %s", strerror(errno));
}

static int run_command(const struct command *command, const struct common_options *before, int argc, char **argv)
{
	struct common_options *options = calloc(1, command->options_bytes);
	int exit_code;

	if (!options)
		return report(EXIT_FAILED, "out of memory");
	if (command->defaults)
		memcpy(options, command->defaults, command->options_bytes);
	*options = *before;
	if (options_parse(command, argc, argv, options, &exit_code))
		exit_code = command->run(options);
	if (command->drop)
		command->drop(options);
	free(options);
	return finish_output(exit_code);
}

/* "ringlease help" and "ringlease help COMMAND". */
static int run_help(int argc, char **argv)
{
	const struct command *command = argc > 1 ? command_find(argv[1]) : &root;

	if (!command)
		return report(EXIT_USAGE, "no such command: %s (ringlease --help lists them)", argv[1]);
	help_print(command);
	return finish_output(EXIT_DONE);
}

static int run_named(const struct common_options *before, int argc, char **argv)
{
	const char *name = argv[0];
	const struct command *command = command_find(name);

	if (command) {
		report_command(name);
		return run_command(command, before, argc, argv);
	}
	if (!strcmp(name, "help"))
		return run_help(argc, argv);
	if (!strcmp(name, "__complete"))
		return finish_output(complete_words(&root, argc - 1, argv + 1));
	return report(EXIT_USAGE, "no such command: %s (ringlease --help lists them)", name);
}

int main(int argc, char **argv)
{
	struct common_options before = {.json = false};
	int exit_code;

	/* A reader that goes away must be an error that receive --delete sees, not a silent death. */
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOFBF, STDOUT_BUFFER_BYTES);
	if (!options_parse(&root, argc, argv, &before, &exit_code))
		return finish_output(exit_code);
	if (!before.argument_count)
		return report(EXIT_USAGE, "which command? (ringlease --help lists them)");
	return run_named(&before, before.argument_count, before.arguments);
}
