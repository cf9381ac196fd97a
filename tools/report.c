#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <ringlease.h>

static const char *command_name;

void report_command(const char *name)
{
	command_name = name;
}

int report(int exit_code, const char *format, ...)
{
	va_list arguments;

	fputs("ringlease: ", stderr);
	if (command_name)
		fprintf(stderr, "%s: ", command_name);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return exit_code;
}

/* What a code means to a person at a shell. Codes that are not here are failures with the library's
 * own text and no hint. */
static const struct meaning {
	int code;
	enum exit_code exit_code;
	const char *text;
	const char *hint;
} meanings[] = {
	{RLQ_EFULL, EXIT_FULL, "queue is full", "receive from it, or wait for room with send --wait"},
	{RLQ_ENOSPACE, EXIT_FULL, "no memory left for queue",
	 "the tmpfs of the directory is full: df shows it; receive and delete, or purge"},
	{RLQ_ESTALE, EXIT_STALE, "stale receipt for queue",
	 "the message was received again since, or is gone; receive it anew"},
	{RLQ_ENOQUEUE, EXIT_NOQUEUE, "no such queue", "ringlease ls shows them"},
	{RLQ_EREMOVED, EXIT_NOQUEUE, "queue was removed meanwhile", "ringlease ls shows what is left"},
	{RLQ_ENAME, EXIT_USAGE, "not a queue name", "1 to 80 of A-Z a-z 0-9 _ -, or .fifo at the end"},
	{RLQ_ETOOBIG, EXIT_FAILED, "message is too big for queue",
	 "its max-message-bytes counts body and attributes; ringlease stat shows it, set changes it"},
	{RLQ_EATTRIBUTE, EXIT_USAGE, "attribute out of range or malformed for queue",
	 "--help lists them; ringlease(1) has the ranges"},
	{RLQ_ERECEIPT, EXIT_STALE, "receipt is not of queue",
	 "it is of another queue, or of one that was removed and made again"},
	{RLQ_EVERSION, EXIT_FAILED, "queue was made by an incompatible version",
	 "use that version, or ringlease rm it"},
	{RLQ_EDAMAGED, EXIT_FAILED, "queue is damaged", "ringlease verify says where"},
	{RLQ_EHANDLES, EXIT_FAILED, "too many processes have the queue open", "end some and try again"},
	{RLQ_ENODLQ, EXIT_NOQUEUE, "the dead-letter queue does not exist, named for queue", "create it first"},
	{RLQ_EENGINE, EXIT_FAILED, "no engine journals queue", "start ringleased, or see its log"},
	{RLQ_EUNKNOWN, EXIT_FAILED,
	 "not known whether it is on the disk, for the engine has ended or is stopped: queue",
	 "it was done, and may not survive; when ringleased runs again, look"},
	{RLQ_EJOURNAL, EXIT_FAILED, "the journal cannot be written, for queue", "the log of ringleased says why"},
	{RLQ_EDISKFULL, EXIT_FULL, "no room in the journal for a message to queue",
	 "its disk, or a limit, is full: receive and delete, make room on the disk, or raise the limit"},
	{RLQ_ENOGROUP, EXIT_USAGE, "no group for a message to FIFO queue", "send --group G"},
	{RLQ_EGROUPID, EXIT_USAGE, "not a group for a message to queue", ID_HINT},
	{RLQ_ENODEDUP, EXIT_USAGE, "no deduplication id for a message to FIFO queue",
	 "send --dedup-id ID; or ringlease set QUEUE content-dedup=true makes it of the body"},
	{RLQ_EDEDUPID, EXIT_USAGE, "not a deduplication or attempt id, for queue", ID_HINT},
	{RLQ_EDEDUPFULL, EXIT_FULL, "no room for another deduplication id in queue",
	 "wait until some are out of the window, purge it, or create it with a larger --dedup-max; far below that, "
	 "a process "
	 "that is stopped in a call keeps their memory"},
	{RLQ_ENOTFIFO, EXIT_USAGE, "not a FIFO queue", "deduplication and attempt ids are for those"},
	{RLQ_EDELAY, EXIT_USAGE, "a message has no delay of its own in FIFO queue",
	 "ringlease set QUEUE delay=D delays them all"},
	{RLQ_ETYPE, EXIT_USAGE, "messages cannot be moved to or from queue",
	 "it is standard and the other FIFO, or vice versa"},
	{RLQ_ETRACE, EXIT_USAGE, "not a tracing context for a message to queue", "1 to 1024 bytes of UTF-8"},
	{RLQ_EBUSY, EXIT_FAILED, "somebody else is changing queue", "try again"},
	{RLQ_EBOOT, EXIT_FAILED, "queue is left from an earlier boot", "ringlease rm removes it"},
	{-EACCES, EXIT_FAILED, "permission denied for queue",
	 "its owner decides with create --mode and --group-owner"},
};

static const struct meaning *meaning_of(int code)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].code == code)
			return &meanings[i];
	return NULL;
}

int report_exit_code(int code)
{
	const struct meaning *meaning = meaning_of(code);

	return meaning ? (int)meaning->exit_code : EXIT_FAILED;
}

int report_code(int code, const char *queue)
{
	const struct meaning *meaning = meaning_of(code);

	if (!meaning)
		return report(EXIT_FAILED, "%s: %s", rlq_strerror(code), queue);
	return report((int)meaning->exit_code, "%s: %s (%s)", meaning->text, queue, meaning->hint);
}
