#include "commands.h"

#include <string.h>

#include "options.h"

extern const struct command cmd_backup, cmd_create, cmd_delete, cmd_extend, cmd_journal, cmd_ls, cmd_peek,
	cmd_purge, cmd_receive, cmd_redrive, cmd_release, cmd_restore, cmd_rm, cmd_send, cmd_set, cmd_stat, cmd_top,
	cmd_verify;

/* In the order in which a reader of --help wants them. */
static const struct command *const commands[] = {
	&cmd_create, &cmd_send,	  &cmd_receive, &cmd_delete,  &cmd_extend, &cmd_release,
	&cmd_peek,   &cmd_ls,	  &cmd_stat,	&cmd_set,     &cmd_purge,  &cmd_redrive,
	&cmd_rm,     &cmd_verify, &cmd_top,	&cmd_journal, &cmd_backup, &cmd_restore,
};

size_t command_count(void)
{
	return sizeof(commands) / sizeof(commands[0]);
}

const struct command *command_at(size_t i)
{
	return commands[i];
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < command_count(); i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}
