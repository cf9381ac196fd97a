/* How long an engine takes to bring messages back after a reboot, against reading the same files and no more. Both
 * from the disk: the page cache forgets the files first. The engine's time is from its start until it serves, with
 * its first turn. BENCH_MESSAGES: how many live, instead of 1 M. */
#include "bench/pair.h"
#include "bench/queue.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_BYTES = 24, BODY_BYTES = 1024, QUICK_MESSAGES = 2000, PIECE_BYTES = 1 << 20, PATIENCE_S = 120 };

static struct place place;
static uint64_t messages, journal_bytes;
static char last[NAME_BYTES]; /* file of the journal, once the messages are in it */

/* ---- the files -------------------------------------------------------------------------------- */

/* What is done with each file; how many bytes it has read. */
typedef uint64_t each_file(int folder, const char *name);

static uint64_t all_files(each_file *each)
{
	DIR *listing = opendir(place.data);
	struct dirent *entry;
	uint64_t bytes = 0;

	while (listing && (entry = readdir(listing)) != NULL)
		if (strncmp(entry->d_name, "journal-0", 9) == 0)
			bytes += each(dirfd(listing), entry->d_name);
	if (listing)
		closedir(listing);
	return bytes;
}

static uint64_t note_last(int folder, const char *name)
{
	(void)folder;
	if (strcmp(name, last) > 0)
		snprintf(last, sizeof(last), "%s", name);
	return 0;
}

/* What the engine has begun since goes: each round has the same to read. */
static uint64_t forget_file(int folder, const char *name)
{
	int fd = strcmp(name, last) > 0 ? -1 : openat(folder, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		unlinkat(folder, name, 0);
		return 0;
	}
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
	return 0;
}

/* As quickly as this disk gives it to one thread: past the page cache, where that can be. */
static uint64_t read_file(int folder, const char *name)
{
	static _Alignas(4096) unsigned char piece[PIECE_BYTES];
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	uint64_t bytes = 0;
	ssize_t got;

	if (fcntl(fd, F_SETFL, O_DIRECT) < 0)
		posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	while ((got = read(fd, piece, sizeof(piece))) > 0)
		bytes += (uint64_t)got;
	close(fd);
	return bytes;
}

/* Messages a second, if they were only read. No engine is in the way. */
static double read_all(void)
{
	double start;

	place_reboot(&place);
	all_files(forget_file);
	start = seconds_now();
	journal_bytes = all_files(read_file);
	return (double)messages / (seconds_now() - start);
}

/* ---- recovery --------------------------------------------------------------------------------- */

static void count_messages(void)
{
	struct rlq_queue_stat stat = {.size = sizeof(stat)};
	struct opened opened = queue_open(NULL, &place, "durable");

	must(NULL, rlq_queue_stat(opened.queue, &stat), "stat");
	if (stat.visible != messages) {
		fprintf(stderr, "%llu messages are back, not %llu\n", (unsigned long long)stat.visible,
			(unsigned long long)messages);
		exit(1);
	}
	queue_close(&opened);
}

/* Messages a second. */
static double recover_all(void)
{
	struct rlq_directory *directory;
	double start, end;

	place_reboot(&place);
	all_files(forget_file);
	must(NULL, rlq_directory_open(place.path, &directory), "open directory");
	start = seconds_now();
	place_start_engine(&place);
	while (!rlq_directory_has_engine(directory) && seconds_now() < start + PATIENCE_S)
		usleep(500);
	end = seconds_now();
	rlq_directory_close(directory);
	count_messages();
	return (double)messages / (end - start);
}

static void fill(void)
{
	static unsigned char body[BODY_BYTES];
	struct rlq_send_entry entries[RLQ_BATCH_MAX];
	struct opened opened = queue_open(NULL, &place, "durable");

	for (int i = 0; i < RLQ_BATCH_MAX; i++)
		entries[i] =
			(struct rlq_send_entry){.body = body, .body_bytes = BODY_BYTES, .delay_ms = RLQ_DEFAULT};
	for (uint64_t left = messages; left > 0;) {
		size_t want = left < RLQ_BATCH_MAX ? left : RLQ_BATCH_MAX;

		left -= (uint64_t)must(NULL, rlq_send_batch(opened.queue, entries, want, NULL, NULL), "send");
	}
	queue_close(&opened);
}

int main(int argc, char **argv)
{
	const char *text = getenv("BENCH_MESSAGES");
	struct pair pair = {
		.name = "recovery of live messages of 1 KiB", .unit = "k/s", .scale = 1e-3, .limit = 0.5};
	struct team *team;
	bool good;

	bench_start(argc, argv);
	messages = text ? strtoull(text, NULL, 10) : bench_options.quick ? QUICK_MESSAGES : 1000000;
	team = team_new(1);
	if (!team)
		return 1;
	report_title("recovery after a reboot against reading the journal's files, both from the disk");
	place_open_durable(&place);
	place_queue_durable(&place, "durable", messages, RLQ_SYNC);
	fill();
	all_files(note_last);
	for (uint32_t round = 0; round <= bench_options.rounds; round++) {
		struct pair_sample sample = {0};

		sample.subject = recover_all();
		sample.yardstick = read_all();
		if (round > 0) /* the first is thrown away */
			team->samples[round - 1] = sample;
		team->sample_count = round;
	}
	good = pair_report(&pair, team);
	figure_report("  the journal", (double)journal_bytes / 1e6, "MB", "stated", true);
	place_close(&place);
	team_free(team);
	return good ? 0 : 1;
}
