#include "daemon/unlock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool has_head(const struct survey_file *file)
{
	return file->head <= SURVEY_HALF;
}

const struct survey_file *unlock_missing(const struct unlock *unlock, const struct survey *survey)
{
	for (size_t i = 0; i < survey->count && !unlock->takes_locked; i++) {
		const struct survey_file *file = &survey->files[i];

		if (file->key_id && !keys_find(unlock->keys, file->key_id))
			return file;
	}
	return NULL;
}

/* *ret_key NULL: it stays as it is. */
static enum format_fault find_key(const struct unlock *unlock, const struct survey_file *file,
				  const struct format_frame *frame, const struct key **ret_key)
{
	bool is_encrypted = frame->flags & FORMAT_ENCRYPTED;

	*ret_key = NULL;
	if (has_head(file) && is_encrypted != (file->key_id != 0))
		return FORMAT_BAD_TAG;
	if (!is_encrypted)
		return FORMAT_SOUND;
	if (!has_head(file))
		return unlock->takes_locked ? FORMAT_SOUND : FORMAT_NO_SALT;
	*ret_key = keys_find(unlock->keys, file->key_id);
	return *ret_key || unlock->takes_locked ? FORMAT_SOUND : FORMAT_BAD_TAG;
}

static int open_file(struct unlock *unlock, const struct survey *survey, const struct survey_file *file,
		     const struct key *key)
{
	int error;

	if (unlock->file == file)
		return 0;
	crypt_close(unlock->crypt);
	unlock->crypt = NULL;
	unlock->file = NULL;
	error = crypt_open(key, survey->journal_id, file->number, file->salt, false, &unlock->crypt);
	unlock->file = error ? NULL : file;
	return error;
}

static int make_room(struct unlock *unlock, size_t bytes)
{
	if (unlock->copy_bytes_max >= bytes)
		return 0;
	free(unlock->copy);
	unlock->copy = malloc(bytes);
	unlock->copy_bytes_max = unlock->copy ? bytes : 0;
	return unlock->copy ? 0 : -ENOMEM;
}

/* A turn of one frame is read twice in a row, and decrypted once: its head has the CRC of all of it. */
static int decrypt(struct unlock *unlock, const struct format_frame *frame)
{
	int error;

	if (unlock->has_copy && memcmp(&unlock->head, frame, sizeof(*frame)) == 0)
		return 0;
	unlock->has_copy = false;
	error = make_room(unlock, frame->bytes);
	if (error)
		return error;
	memcpy(unlock->copy, frame, frame->bytes);
	error = crypt_decrypt(unlock->crypt, (void *)unlock->copy);
	unlock->has_copy = !error;
	unlock->head = *frame;
	return error;
}

int unlock_frame(struct unlock *unlock, const struct survey *survey, const struct survey_file *file,
		 const struct format_frame **frame, enum format_fault *ret_fault)
{
	const struct key *key;
	int error;

	*ret_fault = find_key(unlock, file, *frame, &key);
	if (*ret_fault || key == NULL)
		return 0;
	error = open_file(unlock, survey, file, key);
	if (!error)
		error = decrypt(unlock, *frame);
	if (error == -EBADMSG) {
		*ret_fault = FORMAT_BAD_TAG;
		return 0;
	}
	*frame = (const void *)unlock->copy;
	return error;
}

int unlock_check(const struct os_disk *disk, int folder, const struct keys *keys, uint64_t *ret_file,
		 uint64_t *ret_key, uint64_t *ret_head)
{
	const struct unlock unlock = {.keys = keys};
	const struct survey_file *locked = NULL;
	struct survey survey;
	int error = survey_begin(disk, folder, &survey);

	if (!error)
		locked = unlock_missing(&unlock, &survey);
	*ret_file = locked ? locked->number : survey.at_file;
	*ret_head = survey.head_number;
	*ret_key = locked ? locked->key_id : 0;
	if (locked)
		error = -ENOKEY;
	else if (survey.refusal == SURVEY_NOT_REFUSED)
		error = 0;
	survey_free(&survey);
	return error;
}

void unlock_end(struct unlock *unlock)
{
	crypt_close(unlock->crypt);
	free(unlock->copy);
}
