#include "help.h"

#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "options.h"

enum { OPTION_COLUMN = 32, COMMAND_COLUMN = 12 };

static void print_option(const struct option_spec *spec)
{
	char left[64];

	if (!spec->help)
		return;
	snprintf(left, sizeof(left), "--%s%s%s", spec->name, spec->value ? " " : "",
		 spec->value ? spec->value : "");
	/* A left side that fills its column gets a line of its own. */
	if (strlen(left) > OPTION_COLUMN - 2)
		printf("  %s\n  %*s%s\n", left, OPTION_COLUMN, "", spec->help);
	else
		printf("  %-*s%s\n", OPTION_COLUMN, left, spec->help);
}

static void print_options(const struct command *command)
{
	printf("\nOptions:\n");
	for (const struct option_spec *spec = command->options; spec && spec->name; spec++)
		print_option(spec);
	for (const struct option_spec *spec = options_common(); spec->name; spec++)
		print_option(spec);
}

static void print_commands(void)
{
	printf("\nCommands:\n");
	for (size_t i = 0; i < command_count(); i++)
		printf("  %-*s%s\n", COMMAND_COLUMN, command_at(i)->name, command_at(i)->summary);
}

void help_print(const struct command *command)
{
	if (command->name) {
		printf("Usage: ringlease %s%s%s [OPTION]...\n\n%s.\n", command->name,
		       *command->arguments ? " " : "", command->arguments, command->summary);
	} else {
		printf("Usage: ringlease [OPTION]... COMMAND [ARGUMENT]...\n\n%s.\n", command->summary);
		print_commands();
	}
	print_options(command);
	if (command->notes)
		printf("\n%s\n", command->notes);
}
