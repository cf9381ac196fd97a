/* A queue that cannot be opened when the engine starts: the others are journaled, files come and go, and it is
 * there again when it can be opened, or when the power has gone, with what it should have, and no message is in two
 * queues.
 *
 *   aside [--seconds N] [--seed S] [--encrypted]
 *   aside --again DISK SEED         one that was drawn
 *
 * An engine is killed at any call of the disk, amid any calls; then the file of one of the queues is damaged,
 * closed by nobody's fault but its own. */
#include "shm/durable.h"
#include "tests/durable/scripts.h"
#include "tests/support/arguments.h"
#include "tests/support/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WATCHDOG_S = 60, LIVES = 4, LIFE_CALLS = 12, BUSY_ROUNDS = 40, BUSY_BYTES = 9000, IMAGES_LEAST = 60 };

static struct history history;
static enum machine_disk disk;
static uint64_t images[MACHINE_DISKS], failures;

static int draw(uint64_t *random, int below)
{
	return (int)((random_next(random) >> 33) % (uint64_t)below);
}

/* Its first byte: damaged, or sound again. */
static void spoil(int queue)
{
	char path[600];
	unsigned char byte = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/%s.rlq", rlq_directory_path(machine_directory()),
		 history_name(&history, queue));
	fd = open(path, O_RDWR);
	if (fd < 0)
		return;
	if (pread(fd, &byte, 1, 0) == 1) {
		byte ^= 1;
		if (pwrite(fd, &byte, 1, 0) != 1)
			byte = 0;
	}
	close(fd);
}

/* In a queue that the history does not know, since what is in doubt is not settled: files are filled and go. */
static const char *keep_busy(int rounds)
{
	static char body[BUSY_BYTES];
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue = NULL;
	struct rlq_message message;
	int error;

	attributes.durability = RLQ_SYNC;
	error = rlq_queue_create(machine_directory(), "busy", &attributes);
	error = error < 0 ? error : rlq_queue_open(machine_directory(), "busy", &queue);
	for (int i = 0; i < rounds && !error; i++) {
		error = rlq_send(queue, body, sizeof(body), NULL, NULL);
		if (!error)
			error = rlq_receive(queue, &message, 1, NULL) == 1 ? 0 : -1;
		if (!error)
			error = rlq_delete(queue, &message.receipt);
	}
	rlq_queue_close(queue);
	return error ? "others are not journaled" : NULL;
}

static const char *start(void)
{
	static char text[600];
	int error = machine_start();

	if (!error)
		return NULL;
	snprintf(text, sizeof(text), "does not start: %s; it says: %s", rlq_strerror(error), machine_said());
	return text;
}

static const char *lose_power(uint64_t *random)
{
	const char *wrong;

	history_close(&history);
	machine_lose_power((enum shadow_loss)draw(random, SHADOW_LOSS_COUNT), SECTOR_BYTES, random);
	wrong = start();
	return wrong ? wrong : history_check(&history);
}

static const char *open_again(int queue, bool while_running)
{
	const char *wrong = NULL;

	if (!while_running)
		machine_kill_engine();
	spoil(queue);
	if (!while_running)
		wrong = start();
	if (!wrong && seg_wait_durable(&machine_directory()->seg) != 0)
		wrong = "no turn is made";
	return wrong ? wrong : history_check_alive(&history);
}

/* One life: its engine is killed, and the next one cannot open a queue. */
static const char *live(uint64_t *random)
{
	int queue = draw(random, 3);
	const char *wrong;

	disk_power_for(draw(random, 4) ? draw(random, 120) : 10000);
	script_random(&history, random, LIFE_CALLS);
	if (history.fault[0])
		return history.fault;
	history_close(&history);
	machine_kill_engine();
	spoil(queue);
	wrong = start();
	if (draw(random, 2))
		disk_fail(SHADOW_WRITE | SHADOW_FLUSH, 1 + draw(random, 80), -EIO, false);
	if (!wrong)
		wrong = keep_busy(draw(random, 2) ? BUSY_ROUNDS : 1);
	disk_fail(SHADOW_ANY, 0, 0, false);
	if (wrong)
		return wrong;
	if (draw(random, 4) == 0) {
		disk_power_for(draw(random, 40));
		keep_busy(BUSY_ROUNDS);
		machine_kill_engine();
		wrong = start();
	}
	if (wrong || draw(random, 2))
		return wrong ? wrong : lose_power(random);
	wrong = open_again(queue, draw(random, 2));
	return wrong || draw(random, 2) ? wrong : lose_power(random);
}

static void try(uint64_t seed)
{
	uint64_t random = seed;
	const char *wrong = NULL;

	watchdog(WATCHDOG_S);
	machine_use(disk, seed);
	machine_begin();
	history_begin(&history);
	wrong = start();
	for (int i = 0; i < LIVES && !wrong; i++)
		wrong = live(&random);
	if (wrong) {
		printf("FAILED: --again %d %llu: %s\n", (int)disk, (unsigned long long)seed, wrong);
		failures++;
	}
	images[disk]++;
	history_close(&history);
	machine_end();
}

int main(int argc, char **argv)
{
	struct test_arguments arguments;
	time_t until;
	uint64_t random;

	if (test_flag_take(&argc, argv, "--encrypted"))
		machine_change_keys();
	if (argc == 4 && strcmp(argv[1], "--again") == 0) {
		disk = (enum machine_disk)atoi(argv[2]);
		try(strtoull(argv[3], NULL, 0));
		return failures > 0;
	}
	arguments = test_arguments_read(argc, argv, 3);
	until = time(NULL) + (time_t)arguments.seconds;
	random = arguments.seed;
	for (int i = 0; (i < IMAGES_LEAST || time(NULL) < until) && failures < 10; i++) {
		disk = (enum machine_disk)(i % MACHINE_DISKS);
		try(random_next(&random));
	}
	machine_tally("closed_queues", images);
	printf("%llu passed, %llu failed\n", (unsigned long long)(images[0] + images[1] - failures),
	       (unsigned long long)failures);
	return failures > 0;
}
