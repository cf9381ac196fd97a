#include "daemon/standing.h"

#include "daemon/format.h"

#include <errno.h>
#include <isa-l/crc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "standing"
#define NEW_NAME "standing-new"
#define MAGIC "RLSTANDS"

enum { MAJOR = 1, MINOR = 0 };

static uint32_t crc_of(const struct standing *standing)
{
	return crc32_iscsi((unsigned char *)(uintptr_t)standing, (int)offsetof(struct standing, crc), UINT32_MAX);
}

/* ---- the file --------------------------------------------------------------------------------- */

static int check(const struct standing *standing)
{
	if (memcmp(standing->magic, MAGIC, sizeof(standing->magic)) != 0 || standing->crc != crc_of(standing))
		return -EBADMSG;
	if (standing->major != MAJOR)
		return -ENOTSUP;
	if (standing->state < STANDING_SINGLE || standing->state > STANDING_STALE ||
	    standing->other[STANDING_OTHER_BYTES - 1] != '\0')
		return -EBADMSG;
	return 0;
}

int standing_read(const struct os_disk *disk, int folder, struct standing *ret_standing)
{
	int fd = disk->open(folder, NAME, 0);
	int64_t got;

	*ret_standing = (struct standing){0};
	if (fd < 0)
		return fd;
	got = os_disk_read(disk, fd, ret_standing, sizeof(*ret_standing), 0);
	disk->close(fd);
	if (got < 0)
		return (int)got;
	return got == sizeof(*ret_standing) ? check(ret_standing) : -EBADMSG;
}

static int unlink_if_there(const struct os_disk *disk, int folder, const char *name)
{
	int error = disk->unlink(folder, name);

	return error == -ENOENT ? 0 : error;
}

int standing_write(const struct os_disk *disk, int folder, const struct standing *standing)
{
	struct standing written = *standing;
	int error = unlink_if_there(disk, folder, NEW_NAME);
	int fd = error ? error : disk->create(folder, NEW_NAME, OS_DISK_WRITE);

	if (fd < 0)
		return fd;
	memcpy(written.magic, MAGIC, sizeof(written.magic));
	written.major = MAJOR;
	written.minor = MINOR;
	written.spare = 0;
	written.crc = crc_of(&written);
	error = os_disk_write(disk, fd, &written, sizeof(written), 0);
	if (!error)
		error = os_disk_flush(disk, fd);
	disk->close(fd);
	if (!error)
		error = disk->rename(folder, NEW_NAME, NAME);
	return error ? error : disk->flush_folder(folder);
}

void standing_remove(const struct os_disk *disk, int folder)
{
	disk->unlink(folder, NEW_NAME);
	disk->unlink(folder, NAME);
}

void standing_set_other(struct standing *standing, const char *path)
{
	memset(standing->other, 0, sizeof(standing->other));
	snprintf(standing->other, sizeof(standing->other), "%s", path);
}

/* ---- what else can be seen -------------------------------------------------------------------- */

struct numbers {
	uint64_t *list;
	size_t count;
};

static int found(void *context, const char *name)
{
	struct numbers *numbers = context;
	uint64_t number = format_file_number(name);
	uint64_t *more;

	if (number == 0)
		return 0;
	more = reallocarray(numbers->list, numbers->count + 1, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	numbers->list = more;
	more[numbers->count++] = number;
	return 0;
}

static int descending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

static bool take_head(const struct os_disk *disk, int fd, uint64_t offset, struct standing_look *look)
{
	struct format_file head;

	if (os_disk_read(disk, fd, &head, sizeof(head), offset) != sizeof(head) ||
	    format_file_check(&head) != FORMAT_SOUND)
		return false;
	look->journal_id = head.journal_id;
	memcpy(look->machine_id, head.machine_id, sizeof(look->machine_id));
	return true;
}

/* The newest file may not be begun, or be of no use. */
static void look_at_heads(const struct os_disk *disk, int folder, const struct numbers *numbers,
			  struct standing_look *look)
{
	for (size_t i = 0; i < numbers->count && look->journal_id == 0; i++) {
		char name[FORMAT_FILE_NAME_BYTES];
		int fd;

		format_file_name(numbers->list[i], name);
		fd = disk->open(folder, name, 0);
		if (fd < 0)
			continue;
		if (!take_head(disk, fd, 0, look))
			take_head(disk, fd, FORMAT_SECOND_HEAD, look);
		disk->close(fd);
	}
}

int standing_look(const struct os_disk *disk, int folder, struct standing_look *ret_look)
{
	static const unsigned char nobody[16];
	struct numbers numbers = {0};
	int error;

	*ret_look = (struct standing_look){0};
	error = standing_read(disk, folder, &ret_look->standing);
	if (error && error != -ENOENT)
		return error;
	error = disk->list(folder, found, &numbers);
	ret_look->has_files = numbers.count > 0;
	if (!error && numbers.count > 0) {
		qsort(numbers.list, numbers.count, sizeof(*numbers.list), descending);
		look_at_heads(disk, folder, &numbers, ret_look);
	}
	free(numbers.list);
	/* Who adopted it has not written to it yet. */
	if (memcmp(ret_look->standing.machine_id, nobody, sizeof(nobody)) != 0)
		memcpy(ret_look->machine_id, ret_look->standing.machine_id, sizeof(nobody));
	return error;
}
