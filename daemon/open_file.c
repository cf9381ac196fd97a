/* The file that a journal fills: begun, with its head and all definitions of queues, and left. */
#include "daemon/crypt.h"
#include "daemon/journal_state.h"
#include "kmod-free/secret.h"
#include "ring/crashpoint.h"

#include <string.h>

void file_end(struct journal *journal)
{
	if (journal->file.fd >= 0)
		journal->files.disk->close(journal->file.fd);
	crypt_close(journal->file.crypt);
	journal->file = (struct open_file){.fd = -1};
}

/* The file's own key, from a salt that is drawn. */
static int begin_crypt(struct journal *journal, struct format_file *head)
{
	const struct key *key = keys_current(journal->options.keys);
	int error;

	if (key == NULL)
		return 0;
	error = os_secret_random(head->salt, sizeof(head->salt));
	head->features |= FORMAT_FILE_ENCRYPTED;
	head->key_id = key->id;
	if (error)
		return error;
	return crypt_open(key, head->journal_id, head->number, head->salt, true, &journal->file.crypt);
}

/* Its head goes with its first frame, in one write. */
static int put_head(struct journal *journal)
{
	struct format_file head = {
		.number = journal->file.number,
		.features = journal->file.features,
		.bytes = journal->options.file_bytes,
		.journal_id = journal->options.journal_id,
		.first_lsn = journal->next_lsn,
		.first_turn = journal->turn,
	};
	unsigned char *page;
	int error = begin_crypt(journal, &head);

	if (!error)
		error = sink_room(journal->sink, FORMAT_PAGE, &page);
	if (error)
		return error;
	os_clock_read(&journal->clock);
	head.created_ms = journal->clock.wall_ms;
	memcpy(head.machine_id, journal->options.machine_id, sizeof(head.machine_id));
	format_file_seal(&head);
	memset(page, 0, FORMAT_PAGE);
	memcpy(page, &head, sizeof(head));
	memcpy(page + FORMAT_SECOND_HEAD, &head, sizeof(head));
	sink_add(journal->sink, FORMAT_PAGE);
	return 0;
}

static int define_queues(struct journal *journal)
{
	int error;

	journal->is_defining = true;
	error = journal->options.define ? journal->options.define(journal->options.context, journal) : 0;
	journal->is_defining = false;
	return error ? error : journal->error;
}

static int file_begin(struct journal *journal)
{
	uint64_t number = 0;
	int fd = files_make(&journal->files, &number);
	int error;

	if (fd < 0)
		return fd;
	error = sink_begin(journal->sink, fd, 0);
	if (error) { /* writes to the last file may be under way still */
		journal->files.disk->close(fd);
		return error;
	}
	file_end(journal);
	journal->file = (struct open_file){
		.fd = fd,
		.number = number,
		.seed = format_seed(journal->options.journal_id, number),
		.features = journal->features,
		.next = FORMAT_PAGE,
		.end = journal->options.file_bytes,
	};
	journal->counts.files++;
	error = put_head(journal);
	CRASH_POINT(file_begun);
	return error ? error : define_queues(journal);
}

/* Begins a file unless this one has room. What a new one does not hold makes it longer, and so do definitions: else
 * files would be begun without end. */
int file_make_room(struct journal *journal, size_t bytes)
{
	struct open_file *file = &journal->file;
	uint64_t need = format_pages(sizeof(struct format_frame) + bytes + frame_tag_bytes(journal));
	int error;

	frame_seal(journal, 0);
	if (journal->error)
		return journal->error;
	if (file->fd < 0 || (!journal->is_defining && need > file->end - file->next)) {
		error = file_begin(journal);
		if (error || frame_fits(&journal->frame, bytes))
			return error;
		frame_seal(journal, 0);
	}
	return frame_open(journal, bytes);
}
