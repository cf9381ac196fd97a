/* The frame that a journal fills: opened, sealed, encrypted. */
#include "daemon/crypt.h"
#include "daemon/journal_state.h"

#include <string.h>

/* Of a frame whose head is there; of one that fails nothing is written. */
static int encrypt(struct journal *journal, struct format_frame *frame)
{
	int error = journal->file.crypt ? crypt_encrypt(journal->file.crypt, frame) : 0;

	if (error)
		memset(frame, 0, frame->bytes);
	return journal_fail(journal, error);
}

void frame_seal(struct journal *journal, uint32_t flags)
{
	struct open_frame *frame = &journal->frame;
	uint64_t bytes;

	if (frame->at == NULL)
		return;
	if (journal->file.crypt) {
		format_tag_put(frame->at + frame->bytes);
		frame->bytes += sizeof(struct format_tag);
		frame->count++;
		flags |= FORMAT_ENCRYPTED;
	}
	bytes = format_pages(frame->bytes);
	os_clock_read(&journal->clock);
	*(struct format_frame *)(void *)frame->at = (struct format_frame){
		.bytes = (uint32_t)frame->bytes,
		.flags = flags,
		.lsn = journal->next_lsn++,
		.turn = journal->turn,
		.durable = journal->durable,
		.file = journal->file.number,
		.wall_ms = journal->clock.wall_ms,
		.count = frame->count,
	};
	if (encrypt(journal, (void *)frame->at) != 0) {
		*frame = (struct open_frame){0};
		return;
	}
	format_frame_seal((void *)frame->at, journal->file.seed);
	memset(frame->at + frame->bytes, 0, bytes - frame->bytes);
	sink_add(journal->sink, bytes);
	journal->file.next += bytes;
	journal->durable_noted = journal->durable;
	journal->counts.frames++;
	journal->counts.records += frame->count;
	journal->counts.bytes += bytes;
	*frame = (struct open_frame){0};
}

int frame_open(struct journal *journal, size_t bytes)
{
	struct open_file *file = &journal->file;
	uint64_t need = format_pages(sizeof(struct format_frame) + bytes + frame_tag_bytes(journal));
	uint64_t room = file->end - file->next, most = journal->options.frame_bytes;
	int error = 0;

	if (need > room) {
		error = files_allocate(&journal->files, file->fd, file->next, need);
		room = need;
		file->end = file->next + need;
	}
	most = room < most ? room : most;
	most = need > most ? need : most;
	if (!error)
		error = sink_room(journal->sink, most, &journal->frame.at);
	if (error)
		return error;
	journal->frame.bytes = sizeof(struct format_frame);
	journal->frame.bytes_max = most - frame_tag_bytes(journal);
	return 0;
}
