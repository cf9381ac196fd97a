#include "daemon/frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void frames_begin(struct frames *frames, const struct os_disk *disk, int folder, const struct survey *survey)
{
	*frames = (struct frames){.survey = survey};
	reader_start(&frames->reader, disk, folder, FRAMES_WINDOW);
}

void frames_end(struct frames *frames)
{
	reader_end(&frames->reader);
	free(frames->carried.bytes);
	unlock_end(&frames->unlock);
}

/* The turn goes on in another file: what there is of it will be asked for again. */
static int carry(struct frames *frames)
{
	const void *held;
	size_t bytes = frames->reading ? reader_held(&frames->reader, &held) : 0;
	unsigned char *copy;

	if (bytes == 0)
		return 0;
	copy = malloc(bytes);
	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, held, bytes);
	free(frames->carried.bytes);
	frames->carried = (struct carried){
		.file = frames->reading, .offset = frames->reader.hold, .bytes = copy, .count = bytes};
	return 0;
}

static int open_file(struct frames *frames, const struct survey_file *file)
{
	char name[FORMAT_FILE_NAME_BYTES];
	int error = carry(frames);

	frames->reading = NULL;
	format_file_name(file->number, name);
	if (!error)
		error = reader_open(&frames->reader, name);
	if (error)
		return error;
	frames->reading = file;
	if (file + 1 < frames->survey->files + frames->survey->count) {
		format_file_name(file[1].number, name);
		reader_expect(&frames->reader, name);
	}
	return 0;
}

static bool is_carried(const struct frames *frames, const struct survey_file *file, uint64_t offset, size_t bytes)
{
	const struct carried *carried = &frames->carried;

	return file == carried->file && offset >= carried->offset &&
	       offset - carried->offset + bytes <= carried->count;
}

static int read_at(struct frames *frames, const struct survey_file *file, uint64_t offset, size_t bytes,
		   const void **ret_bytes, size_t *ret_count)
{
	int64_t count = 0;

	if (frames->reading != file && is_carried(frames, file, offset, bytes)) {
		*ret_bytes = frames->carried.bytes + (offset - frames->carried.offset);
		*ret_count = bytes;
		return 0;
	}
	if (frames->reading != file)
		count = open_file(frames, file);
	if (count == 0)
		count = reader_at(&frames->reader, offset, bytes, ret_bytes);
	if (count < 0) {
		frames->failed = file;
		return (int)count;
	}
	*ret_count = (size_t)count;
	return 0;
}

int frames_read(struct frames *frames, const struct survey_file *file, uint64_t offset, bool was_sound,
		const struct format_frame **ret_frame, enum format_fault *ret_fault)
{
	bool is_seen = was_sound && (file == frames->reading ? reader_holds(&frames->reader, offset)
							     : is_carried(frames, file, offset, 0));
	const void *bytes;
	size_t count;
	int error = read_at(frames, file, offset, sizeof(struct format_frame), &bytes, &count);

	if (error)
		return error;
	*ret_frame = bytes;
	*ret_fault = FORMAT_NO_FRAME;
	if (count < sizeof(struct format_frame))
		return 0;
	*ret_fault = format_frame_check_head(*ret_frame, file->seed, file->number);
	if (*ret_fault)
		return 0;
	error = read_at(frames, file, offset, (*ret_frame)->bytes, &bytes, &count);
	if (error)
		return error;
	*ret_frame = bytes;
	*ret_fault = is_seen ? FORMAT_SOUND : format_frame_check(*ret_frame, count, file->seed, file->number);
	return *ret_fault ? 0 : unlock_frame(&frames->unlock, frames->survey, file, ret_frame, ret_fault);
}
