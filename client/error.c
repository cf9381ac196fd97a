#include "client/internal.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#ifndef RLQ_VERSION_TEXT
#define RLQ_VERSION_TEXT "0.1.0"
#endif

static const struct {
	int code;
	const char *text;
} texts[] = {
	{0, "success"},
	{RLQ_EFULL, "the queue is full"},
	{RLQ_ENOSPACE, "no memory left in the tmpfs that holds the queue"},
	{RLQ_ESTALE, "stale receipt: the message was received again or is gone"},
	{RLQ_ENOQUEUE, "no such queue"},
	{RLQ_EREMOVED, "the queue was removed"},
	{RLQ_EEXISTS, "a queue of that name exists with other attributes"},
	{RLQ_ENAME,
	 "not a queue name: 1 to 80 of A-Z a-z 0-9 _ -, at whose end FIFO queues, and no others, have .fifo"},
	{RLQ_ETOOBIG, "the message is longer than the queue allows"},
	{RLQ_EATTRIBUTE, "an attribute or option is out of range or malformed"},
	{RLQ_ERECEIPT, "not a receipt of this queue"},
	{RLQ_EVERSION, "the queue was made by an incompatible version; remove it, or use that version"},
	{RLQ_EDAMAGED, "the queue's segment is damaged; see ringlease verify"},
	{RLQ_EFORKED, "it was opened by the parent process; open the directory and the queue anew after fork"},
	{RLQ_EHANDLES, "too many open handles on this queue"},
	{RLQ_EHOLDS, "too many messages held in place; delete some or let them go"},
	{RLQ_ENODLQ, "no such dead-letter or target queue"},
	{RLQ_EENGINE,
	 "no engine journals it; start ringleased (with --data if the default will not do), or see its log"},
	{-EFBIG, "this process may not make files as long as a queue's, which are nearly all hole; raise its limit "
		 "(ulimit -f unlimited)"},
	{RLQ_EBUSY, "another process is changing the queue's attributes or removing it; try again"},
	{RLQ_EBOOT, "the queue is from before the last boot and its messages are gone; remove it"},
	{RLQ_EUNKNOWN, "the engine did not say that the change is on the disk: it was made, and may not survive"},
	{RLQ_EJOURNAL, "the journal cannot be written: see ringleased's log"},
	{RLQ_EDISKFULL, "no room for the message in the journal: its disk, or its limit or the queue's, is full"},
	{RLQ_ENOGROUP, "a message to a FIFO queue needs a group id"},
	{RLQ_EGROUPID, "not a group id: 1 to 128 ASCII letters, digits and punctuation marks, no blanks"},
	{RLQ_ENODEDUP,
	 "a message to this FIFO queue needs a deduplication id; give one, or let the queue make it of the "
	 "body (content-based deduplication)"},
	{RLQ_EDEDUPID,
	 "not a deduplication or attempt id: 1 to 128 ASCII letters, digits and punctuation marks, no blanks"},
	{RLQ_EDEDUPFULL,
	 "the queue remembers as many deduplication ids as it can; wait until some are out of the "
	 "window, purge it, or create it with room for more; far below its limit, a process that is "
	 "stopped in a call keeps their memory"},
	{RLQ_ENOTFIFO, "deduplication and attempt ids are for FIFO queues; this queue is a standard one"},
	{RLQ_EDELAY, "a message to a FIFO queue has no delay of its own; set that of the queue"},
	{RLQ_ETYPE,
	 "a dead-letter queue or redrive target must be of the queue's type, both standard or both FIFO"},
	{RLQ_ETRACE, "not a tracing context: 1 to 1,024 bytes of UTF-8"},
};

const char *rlq_strerror(int code)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].code == code)
			return texts[i].text;
	if (code > 0 || code < -4095)
		return "unknown error";
	/* strerrordesc_np is static text, unlike strerror. */
	const char *text = strerrordesc_np(-code);

	return text ? text : "unknown error";
}

const char *rlq_version(void)
{
	return RLQ_VERSION_TEXT;
}

int public_error(int error)
{
	switch (error) {
	case -ENOENT:
		return RLQ_ENOQUEUE;
	case -ENOSPC:
	case -EDQUOT:
		return RLQ_ENOSPACE;
	default:
		return error;
	}
}
