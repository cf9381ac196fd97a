/* The table of sub-commands. */
#ifndef TOOLS_COMMANDS_H
#define TOOLS_COMMANDS_H

#include <stddef.h>

struct command;

size_t command_count(void);
const struct command *command_at(size_t i);

/* NULL: no such command. */
const struct command *command_find(const char *name);

#endif
