/* Four owners allocate, fill, check and free bodies, or leave orphans, while a sweeper frees, lists,
 * trims and takes over; a late reader reads what may be gone. First as threads of one mapping (for
 * ThreadSanitizer), then as processes that are stopped and killed at random moments.
 * On a tmpfs of 24 MiB where one can be mounted, so that ENOSPC is real and a touched hole is SIGBUS.
 *
 * stress_bodies [--seconds N] [--seed S]; exit 0, 1, or 77 where there is no memfd. */
#include "tests/support/arguments.h"
#include "tests/support/bodies_segment.h"
#include "tests/support/tally.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#if defined(__SANITIZE_THREAD__) || defined(RL_TSAN)
enum { UNDER_TSAN = 1 };
#else
enum { UNDER_TSAN = 0 };
#endif

enum {
	DEFAULT_SECONDS = 2, /* half of it a phase */
	OWNERS = 4,
	SLOTS = 24, /* messages of one owner */
	ROW_SWEEPER = 1,
	ROW_OWNER = 2,
	ROW_READER = ROW_OWNER + OWNERS,
	ROW_COUNT,
};

/* Stands for the rings: which message lives where. Shared with children. */
struct world {
	atomic_u64 place[OWNERS][SLOTS]; /* 0: slot free */
	atomic_u64 block[OWNERS][SLOTS]; /* for the late reader */
	atomic_u64 serial[ROW_COUNT];	 /* of the living handle; 0: none */
	atomic_u64 stop, done, refused, given;
};

static struct world *world;
static struct segment *first;

static void fail(const char *what)
{
	fprintf(stderr, "stress_bodies: %s\n", what);
	_exit(1);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint64_t random_bytes(uint64_t *state)
{
	uint64_t kind = random_next(state) % 100;
	uint64_t most = kind < 60 ? 2048 : kind < 85 ? 65536 : kind < 98 ? 512 * 1024 : 3 << 20;

	return random_next(state) % most + 1;
}

/* ---- owners ----------------------------------------------------------------------------------- */

struct message {
	uint64_t place, block, bytes, generation;
};

struct owner {
	struct segment *segment;
	uint32_t index;
	uint64_t random;
	struct message message[SLOTS];
};

/* The first and last KiB say whose it is. */
static void each_word(struct owner *owner, struct message *m, bool check)
{
	uint64_t room, edge = m->bytes < 1024 ? m->bytes : 1024;
	unsigned char *at = body_at(owner->segment, m->block, &room);

	if (at == NULL || room < m->bytes)
		fail("a body of ours has no memory");
	for (uint64_t i = 0; i < edge; i++) {
		unsigned char value = (unsigned char)((m->place * 31 + i) >> 3);

		if (check &&
		    (at[i] != value || at[m->bytes - edge + i] != (unsigned char)(value ^ (m->bytes > 2048))))
			fail("two own the same block");
		if (!check) {
			at[i] = value;
			at[m->bytes - edge + i] = (unsigned char)(value ^ (m->bytes > 2048));
		}
	}
}

/* Bodies of up to 2 KiB would overlap their own edges: they are one edge. */
static uint64_t without_overlap(uint64_t bytes)
{
	return bytes > 1024 && bytes <= 2048 ? 1024 : bytes;
}

static void owner_send(struct owner *owner, uint32_t slot)
{
	struct message *m = &owner->message[slot];
	int error;

	m->bytes = without_overlap(random_bytes(&owner->random));
	m->generation++;
	m->place = place_pack(0, owner->index * SLOTS + slot, m->generation);
	store_seq(&world->place[owner->index][slot], m->place);
	error = body_allocate(owner->segment, m->bytes, m->place, &m->block);
	if (error) {
		if (error != -ENOSPC)
			fail(strerror(-error));
		fetch_add_seq(&world->refused, 1);
		store_seq(&world->place[owner->index][slot], 0);
		m->place = 0;
		return;
	}
	each_word(owner, m, false);
	store_seq(&world->block[owner->index][slot], m->block);
}

static void owner_delete(struct owner *owner, uint32_t slot)
{
	struct message *m = &owner->message[slot];

	if (!body_belongs(owner->segment, m->block, m->place))
		fail("a body of ours was taken away");
	each_word(owner, m, true);
	store_seq(&world->place[owner->index][slot], 0);
	if (random_next(&owner->random) % 8 != 0) /* else an orphan */
		body_free(owner->segment, m->block, m->place);
	m->place = 0;
	fetch_add_seq(&world->done, 1);
}

static void *owner_run(void *argument)
{
	struct owner *owner = argument;

	while (!load_relaxed(&world->stop)) {
		uint32_t slot = (uint32_t)(random_next(&owner->random) % SLOTS);

		if (owner->message[slot].place)
			owner_delete(owner, slot);
		else
			owner_send(owner, slot);
	}
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		if (owner->message[slot].place)
			owner_delete(owner, slot);
	return NULL;
}

/* ---- sweeper, reader -------------------------------------------------------------------------- */

static bool is_live(void *context, uint64_t place, uint64_t block)
{
	uint32_t slot = place_unpack(place).slot;

	(void)context;
	(void)block;
	return slot < OWNERS * SLOTS && load_seq(&world->place[slot / SLOTS][slot % SLOTS]) == place;
}

static bool is_dead(void *context, uint32_t row, uint32_t serial)
{
	(void)context;
	return row >= ROW_COUNT || load_seq(&world->serial[row]) != serial;
}

static void sweep_some(struct segment *segment, uint64_t keep_bytes, uint64_t *cursor)
{
	struct body_sweep sweep = {.is_live = is_live, .is_dead = is_dead, .keep_bytes = keep_bytes};

	fetch_add_seq(&world->given, body_sweep_step(segment, &sweep, cursor, 500));
}

static void *sweeper_run(void *argument)
{
	uint64_t cursor = 0, random = 88172645463325252u;

	while (!load_relaxed(&world->stop))
		sweep_some(argument, random_next(&random) % 3 << 20, &cursor);
	return NULL;
}

/* Reads bodies that may be freed, reused or given back meanwhile: the bytes are of no use, but the
 * memory must be there until the call ends. (A race by design, so not under ThreadSanitizer.) */
static void *reader_run(void *argument)
{
	struct segment *segment = argument;
	uint64_t random = 1234567, sum = 0;

	while (!load_relaxed(&world->stop)) {
		uint64_t pick = random_next(&random) % (OWNERS * SLOTS), room;
		uint64_t block = load_acquire(&world->block[pick / SLOTS][pick % SLOTS]);
		const volatile unsigned char *at;

		store_seq(&segment->me->view, 1);
		at = body_at(segment, block, &room);
		if (at != NULL)
			sched_yield();
		for (uint64_t i = 0; at != NULL && i < room; i += 4096)
			sum += at[i];
		store_release(&segment->me->view, 0);
		if (pick % 16 == 0)
			sched_yield();
	}
	return (void *)(uintptr_t)(sum | 1);
}

/* ---- the end of a phase ----------------------------------------------------------------------- */

static void expect_all_given_back(void)
{
	uint64_t cursor = 0;

	memset(world->place, 0, sizeof(world->place));
	do
		sweep_some(first, 0, &cursor);
	while (cursor != 0);
	for (uint32_t class = 0; class < SEG_BODY_CLASS_COUNT; class ++) {
		struct body_region *region = region_open(first, class);

		if (region == NULL || region_look(region) != 0)
			fail("words damaged");
		for (uint32_t i = 0; i < region->backed; i++)
			if (load_acquire(&region->table[i]) != BLOCK_HOLE)
				fail("a block was not given back");
	}
	/* Words and bits of 19 classes; no page of a block. */
	if (os_file_memory(first->fd) > 19 * 12 * 4096)
		fail("memory was not given back");
}

/* ---- threads ---------------------------------------------------------------------------------- */

static struct owner *owner_new(uint32_t index, uint64_t seed)
{
	struct owner *owner = calloc(1, sizeof(*owner));

	owner->segment = bodies_segment_join(first, ROW_OWNER + index, true);
	owner->index = index;
	owner->random = (seed + index + 1) * 0x9e3779b97f4a7c15u | 1;
	return owner;
}

static void threads_phase(uint64_t for_ms, uint64_t seed)
{
	struct owner *owner[OWNERS];
	struct segment *joined[2];
	pthread_t thread[OWNERS + 2];
	int count = 0;

	/* One mapping for all. */
	for (uint32_t class = 0; class < SEG_BODY_CLASS_COUNT; class ++)
		if (region_open(first, class) == NULL)
			fail("cannot map a class");
	for (uint32_t row = 1; row < ROW_COUNT; row++)
		store_seq(&world->serial[row], 1);
	for (uint32_t i = 0; i < OWNERS; i++) {
		owner[i] = owner_new(i, seed);
		pthread_create(&thread[count++], NULL, owner_run, owner[i]);
	}
	joined[0] = bodies_segment_join(first, ROW_SWEEPER, true);
	joined[1] = bodies_segment_join(first, ROW_READER, true);
	pthread_create(&thread[count++], NULL, sweeper_run, joined[0]);
	if (!UNDER_TSAN)
		pthread_create(&thread[count++], NULL, reader_run, joined[1]);
	usleep((useconds_t)for_ms * 1000);
	store_seq(&world->stop, 1);
	for (int i = 0; i < count; i++)
		pthread_join(thread[i], NULL);
	store_seq(&world->stop, 0);
	expect_all_given_back();
	for (uint32_t i = 0; i < OWNERS; i++) {
		free(owner[i]->segment);
		free(owner[i]);
	}
	free(joined[0]);
	free(joined[1]);
}

/* ---- processes -------------------------------------------------------------------------------- */

static pid_t process_start(uint32_t index, uint32_t serial, uint64_t seed)
{
	uint32_t row = ROW_OWNER + index;
	pid_t pid;

	store_seq(&world->serial[row], serial);
	store_seq(&first->rows[row].user.low, (uint64_t)serial << 1 | 1);
	pid = fork();
	if (pid == 0) {
		struct owner *owner = owner_new(index, seed + serial);
		uint64_t cursor = 0;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		owner->segment->serial = serial;
		store_seq(&owner->segment->me->user.low, (uint64_t)serial << 1 | 1);
		for (uint32_t slot = 0; slot < SLOTS; slot++)
			owner->message[slot].generation = (uint64_t)serial << 24;
		for (;;) {
			for (int i = 0; i < 50; i++) {
				uint32_t slot = (uint32_t)(random_next(&owner->random) % SLOTS);

				if (owner->message[slot].place)
					owner_delete(owner, slot);
				else
					owner_send(owner, slot);
			}
			sweep_some(owner->segment, 0, &cursor);
		}
	}
	return pid;
}

/* Kills it; then its slots are freed, as the reaper does. */
static void process_end(pid_t pid, uint32_t index)
{
	int status;

	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail("an owner failed");
	store_seq(&world->serial[ROW_OWNER + index], 0);
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		store_seq(&world->place[index][slot], 0);
}

static uint32_t processes_phase(uint64_t for_ms, uint64_t seed)
{
	uint64_t end_ms = now_ms() + for_ms, cursor = 0, random = seed | 1;
	uint32_t serial = 2, kills = 0;
	pid_t pid[OWNERS];

	for (uint32_t i = 0; i < OWNERS; i++)
		pid[i] = process_start(i, serial++, seed);
	while (now_ms() < end_ms) {
		uint32_t victim = (uint32_t)(random_next(&random) % OWNERS), other = (victim + 1) % OWNERS;

		kill(pid[other], SIGSTOP);
		usleep((useconds_t)(random_next(&random) % 3000));
		process_end(pid[victim], victim);
		sweep_some(first, 0, &cursor);
		kill(pid[other], SIGCONT);
		pid[victim] = process_start(victim, serial++, seed);
		kills++;
	}
	for (uint32_t i = 0; i < OWNERS; i++)
		process_end(pid[i], i);
	expect_all_given_back();
	return kills;
}

/* ---- main ------------------------------------------------------------------------------------- */

/* A file on a tmpfs of 24 MiB that only we see; -1 where that is not allowed. */
static int small_tmpfs_file(void)
{
	int directory, fd;
	char hidden[64];

	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("ringlease-test", "/tmp", "tmpfs", 0, "size=24m,mode=1777") != 0)
		return -1;
	directory = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = directory >= 0 ? os_file_build(directory, 0600, hidden) : -1;
	if (fd >= 0 && os_file_resize(fd, SEG_FILE_BYTES) != 0)
		fd = -1;
	return fd;
}

int main(int count, char **values)
{
	struct test_arguments arguments = test_arguments_read(count, values, DEFAULT_SECONDS);
	uint64_t for_ms = arguments.seconds * 1000 / 2;
	uint32_t kills = 0;
	int fd;

	first = bodies_segment_make();
	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (first == NULL || world == MAP_FAILED)
		return 77;
	fd = small_tmpfs_file();
	if (fd >= 0) {
		close(first->fd);
		first->fd = fd;
	}
	printf("on %s: ", fd >= 0 ? "a tmpfs of 24 MiB" : "a memfd");
	fflush(stdout);
	threads_phase(for_ms, arguments.seed);
	if (!UNDER_TSAN)
		kills = processes_phase(for_ms, arguments.seed);
	printf("%u kills, %llu bodies, %llu times no room, %llu MiB given back\n", kills,
	       (unsigned long long)world->done, (unsigned long long)world->refused,
	       (unsigned long long)world->given >> 20);
	tally("kills", kills);
	return 0;
}
