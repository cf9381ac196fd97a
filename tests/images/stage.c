#include "tests/images/stage.h"

#include "kmod-free/sysops.h"
#include "tests/crash/cases.h"
#include "tests/support/arguments.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct stage *entered;

struct stage *stage_map(int fd)
{
	struct stage *stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (stage == MAP_FAILED) {
		perror("stage");
		exit(1);
	}
	return stage;
}

struct stage *stage_make(int *ret_fd)
{
	int fd = memfd_create("stage", 0);

	if (fd < 0 || ftruncate(fd, sizeof(struct stage)) != 0) {
		perror("stage");
		exit(1);
	}
	*ret_fd = fd;
	return stage_map(fd);
}

/* The random bytes are the same for all seeds, so that start states that are the same make the same images. */
void stage_clear(struct stage *stage)
{
	char directory[TMPDIR_BYTES];

	strcpy(directory, stage->scene.directory);
	memset(stage, 0, sizeof(*stage));
	strcpy(stage->scene.directory, directory);
	stage->random = 1;
}

static ssize_t seeded_random(void *bytes, size_t count, unsigned flags)
{
	unsigned char *next = bytes;

	(void)flags;
	for (size_t i = 0; i < count; i++)
		next[i] = (unsigned char)(random_next(&entered->random) >> 32);
	return (ssize_t)count;
}

static int noted_fallocate(int fd, int mode, off_t offset, off_t bytes)
{
	int result = fallocate(fd, mode, offset, bytes);
	int error = errno;
	struct stat status;
	bool is_known;

	entered->is_noting = true;
	is_known = fstat(fd, &status) == 0;
	entered->is_noting = false;
	errno = error;
	if (result == 0 && is_known && entered->allocation_count < ALLOCATIONS_MAX) {
		entered->allocation[entered->allocation_count] = (struct allocation){
			.inode = status.st_ino,
			.offset = (uint64_t)offset,
			.bytes = (uint64_t)bytes,
			.is_punched = mode & FALLOC_FL_PUNCH_HOLE,
		};
		/* Whole, before the tracer is told so. */
		__atomic_store_n(&entered->allocation_count, entered->allocation_count + 1, __ATOMIC_RELEASE);
	}
	return result;
}

void stage_enter(struct stage *stage)
{
	bodies_are_whole = false;
	entered = stage;
	os_sys.getrandom = seeded_random;
	os_sys.fallocate = noted_fallocate;
}

/* How many tests/crash has, and we. */
static uint32_t shared_count(void)
{
	uint32_t count = 0;

	while (script_at(count) != NULL)
		count++;
	return count;
}

static uint32_t count_of(const struct script *scripts)
{
	uint32_t count = 0;

	while (scripts[count].name != NULL)
		count++;
	return count;
}

bool script_is_varied(uint32_t number)
{
	return number >= shared_count() + count_of(scripts_images);
}

const struct script *stage_script(uint32_t number)
{
	uint32_t shared = shared_count(), ours = count_of(scripts_images);

	if (number < shared)
		return script_at(number);
	if (number < shared + ours)
		return &scripts_images[number - shared];
	number -= shared + ours;
	return number < count_of(scripts_varied) ? &scripts_varied[number] : NULL;
}
