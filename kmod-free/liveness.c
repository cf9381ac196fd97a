/* A key is process:32 | random:32. `process` is the same for all keys of one process and differs
 * between processes, so "is this key my own process's?" is answered from the key itself. A table of
 * own keys would not do: a process may hold two copies of this code (libringlease and
 * libringlease-engine, or a plugin), and one copy that opened and closed the other's file would drop
 * its lock. Two processes that share `process` by chance (1 in 2^31) take each other for alive; anyone
 * else still tells the truth about both. */
#include "kmod-free/liveness.h"
#include "kmod-free/memory.h"
#include "kmod-free/sysops.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#define PREFIX ".alive-"

enum { NAME_BYTES = sizeof(PREFIX) + 16, KEY_TRIES = 8 };

/* ---- which process is this -------------------------------------------------------------------- */

struct here {
	int pid;
	uint32_t number; /* the upper half of this process's keys; 0: not drawn yet */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct here static_here;		 /* if the page cannot be had */
static struct here *here = &static_here; /* in a page that the kernel empties in every forked child */

const int *os_process_pid = &static_here.pid;

static void after_fork(void)
{
	__atomic_store_n(&here->number, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&here->pid, (int)getpid(), __ATOMIC_RELAXED);
}

/* pthread_atfork misses _Fork(), clone() and fork by system call; the page does not. */
static void start_process(void)
{
	size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page != MAP_FAILED) {
		if (madvise(page, bytes, MADV_WIPEONFORK) == 0)
			here = page;
		else
			munmap(page, bytes);
	}
	os_process_pid = &here->pid;
	after_fork();
	pthread_atfork(NULL, NULL, after_fork);
}

/* When this process was started, in ticks since boot: field 22 of its stat. 0 if not to be had. */
static uint64_t start_ticks(void)
{
	char text[1024], *end;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	uint64_t ticks = 0;
	ssize_t got;

	if (fd < 0)
		return 0;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got <= 0)
		return 0;
	text[got] = '\0';
	end = strrchr(text, ')'); /* the name before it may hold anything */
	if (end != NULL)
		sscanf(end + 1,
		       " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64,
		       &ticks);
	return ticks;
}

/* Drawn at exec (AT_RANDOM), told apart from forked relatives by pid and start. Threads that draw at
 * the same time draw the same. */
static uint32_t draw_number(void)
{
	const unsigned char *given = (const unsigned char *)getauxval(AT_RANDOM);
	uint64_t random[2] = {0}, drawn;

	if (given != NULL)
		memcpy(random, given, sizeof(random));
	drawn = os_mix(os_mix(os_mix(random[0]) ^ random[1]) ^ start_ticks() ^ (uint64_t)getpid() << 40);
	return (uint32_t)(drawn >> 32) | 1;
}

static struct here current_process(void)
{
	struct here now;

	pthread_once(&once, start_process);
	if (__atomic_load_n(&here->pid, __ATOMIC_RELAXED) == 0)
		after_fork();
	now.number = __atomic_load_n(&here->number, __ATOMIC_RELAXED);
	if (now.number == 0) {
		now.number = draw_number();
		__atomic_store_n(&here->number, now.number, __ATOMIC_RELAXED);
	}
	now.pid = here->pid;
	return now;
}

static bool is_own_key(const struct os_liveness *self, uint64_t key)
{
	return os_liveness_is_own(self) && key >> 32 == self->key >> 32;
}

/* ---- the files -------------------------------------------------------------------------------- */

static void name_of(uint64_t key, char ret_name[NAME_BYTES])
{
	snprintf(ret_name, NAME_BYTES, PREFIX "%016" PRIx64, key);
}

static uint64_t key_of(const char *name)
{
	uint64_t key = 0;
	size_t digits = strspn(name + sizeof(PREFIX) - 1, "0123456789abcdef");

	if (strncmp(name, PREFIX, sizeof(PREFIX) - 1) != 0 || digits != 16 || name[NAME_BYTES - 1] != '\0')
		return 0;
	sscanf(name + sizeof(PREFIX) - 1, "%" SCNx64, &key);
	return key;
}

static struct flock whole_file(short type)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

/* Locks before it names, so that nobody ever sees the file of a living process without its lock. */
static int build_locked(int directory_fd, char *ret_hidden)
{
	struct flock lock = whole_file(F_WRLCK);
	int fd = os_file_build(directory_fd, 0644, ret_hidden);

	if (fd < 0)
		return fd;
	while (fcntl(fd, F_SETLK, &lock) != 0) {
		int error = -errno;

		if (error == -EINTR)
			continue;
		os_file_discard(directory_fd, fd, ret_hidden);
		return error;
	}
	return fd;
}

int os_liveness_start(int directory_fd, struct os_liveness *ret_liveness)
{
	struct here process = current_process();
	char hidden[64], name[NAME_BYTES];
	int error = -EEXIST;

	for (int tries = 0; tries < KEY_TRIES && error == -EEXIST; tries++) {
		uint32_t random;
		uint64_t key;
		int fd;

		os_random(&random, sizeof(random));
		key = (uint64_t)process.number << 32 | random;
		fd = build_locked(directory_fd, hidden);
		if (fd < 0)
			return fd;
		name_of(key, name);
		error = os_file_link(directory_fd, fd, hidden, name);
		if (error == 0)
			*ret_liveness = (struct os_liveness){
				.directory_fd = directory_fd, .fd = fd, .pid = process.pid, .key = key};
		else
			close(fd);
	}
	return error;
}

void os_liveness_stop(struct os_liveness *liveness)
{
	char name[NAME_BYTES];

	if (os_liveness_is_own(liveness)) {
		name_of(liveness->key, name);
		os_sys.unlinkat(liveness->directory_fd, name, 0);
	}
	close(liveness->fd);
	liveness->fd = -1;
	liveness->pid = -1;
}

/* The file of another process. */
static int open_file_of(const struct os_liveness *self, uint64_t key)
{
	char name[NAME_BYTES];
	int fd;

	name_of(key, name);
	do {
		fd = openat(self->directory_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	} while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

/* The lock that somebody else has on it, or F_UNLCK; negative: not to be known. Reading asks only after write
 * locks, which take the owner's right to write: a stranger who may read cannot make a dead process look alive. */
static int lock_on(int fd)
{
	struct flock lock = whole_file(F_RDLCK);

	return fcntl(fd, F_GETLK, &lock) == 0 ? lock.l_type : -errno;
}

enum os_life os_liveness_ask(const struct os_liveness *self, uint64_t key)
{
	int fd, lock;

	if (is_own_key(self, key))
		return OS_ALIVE;
	fd = open_file_of(self, key);
	if (fd < 0)
		return fd == -ENOENT ? OS_DEAD : OS_ALIVE; /* no proof, no death */
	lock = lock_on(fd);
	close(fd);
	return lock == F_UNLCK ? OS_DEAD : OS_ALIVE;
}

/* The file that is open answers as the one of that name would: it goes, if at all, with its lock. "Dead" is asked
 * for by name all the same, so that a descriptor that somebody has closed for us is no death. */
enum os_life os_liveness_ask_again(const struct os_liveness *self, struct os_peer *peer, uint64_t key)
{
	if (is_own_key(self, key) || (peer->key == key && lock_on(peer->fd) == F_WRLCK))
		return OS_ALIVE;
	os_peer_drop(peer);
	if (os_liveness_ask(self, key) == OS_DEAD)
		return OS_DEAD;
	peer->fd = open_file_of(self, key);
	peer->key = peer->fd < 0 ? 0 : key;
	return OS_ALIVE;
}

void os_peer_drop(struct os_peer *peer)
{
	if (peer->key != 0)
		close(peer->fd);
	*peer = (struct os_peer){0};
}

void os_liveness_forget(const struct os_liveness *self, uint64_t key)
{
	char name[NAME_BYTES];

	if (is_own_key(self, key))
		return;
	name_of(key, name);
	os_sys.unlinkat(self->directory_fd, name, 0);
}

int os_liveness_list(int directory_fd, void (*each)(void *context, uint64_t key), void *context)
{
	/* Opened anew: a duplicate would share its place in the directory with others. */
	int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;
	struct dirent *entry;
	DIR *directory;

	if (fd < 0)
		return -errno;
	directory = fdopendir(fd);
	if (directory == NULL) {
		error = -errno;
		close(fd);
		return error;
	}
	while ((errno = 0, entry = readdir(directory)) != NULL) {
		uint64_t key = key_of(entry->d_name);

		if (key != 0)
			each(context, key);
	}
	error = -errno;
	closedir(directory);
	return error;
}
