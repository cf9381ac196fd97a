/* What --help prints. */
#ifndef TOOLS_HELP_H
#define TOOLS_HELP_H

struct command;

/* For a command without a name: the list of all commands. */
void help_print(const struct command *command);

#endif
