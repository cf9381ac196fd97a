#include "tests/durable/machine.h"

#include "daemon/journaling.h"
#include "tests/support/child.h"
#include "tests/support/fake_clock.h"
#include "tests/support/shadow_queue.h"
#include "tests/support/shared.h"
#include "tests/support/tmpdir.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { KEY_PATH_BYTES = TMPDIR_BYTES + 16 };

enum { QUEUED_FRAME_BYTES = 2 * OS_DISK_PAGE, BOOT_MS = 5000 /* when an engine starts */ };

static struct {
	char queues[TMPDIR_BYTES], data[TMPDIR_BYTES], mirror[TMPDIR_BYTES];
	enum machine_folders folders;
	struct os_disk first, second;
	struct rlq_directory *directory;
	struct journaling *journaling;
	bool changes_keys;
	unsigned starts;
	struct keys *keys; /* of the present start */
	struct os_clock_words *clock;
	bool saw_damage, set_aside, lost_mirror;
	enum machine_disk disk;
	uint64_t random;
	uint32_t most_queued;
	uint64_t limit, window;
	char said[512];
} machine = {.window = MACHINE_FILE_BYTES / 16};

static __attribute__((format(printf, 2, 3))) void say(void *context, const char *format, ...)
{
	va_list arguments;

	(void)context;
	va_start(arguments, format);
	vsnprintf(machine.said, sizeof(machine.said), format, arguments);
	va_end(arguments);
	if (strstr(machine.said, "DAMAGE"))
		machine.saw_damage = true;
	if (strstr(machine.said, "SET ASIDE"))
		machine.set_aside = true;
	if (strstr(machine.said, "MIRROR LOST"))
		machine.lost_mirror = true;
	if (getenv("SAY"))
		fprintf(stderr, "engine: %s\n", machine.said);
}

static void needed(bool is_so, const char *what)
{
	if (!is_so) {
		fprintf(stderr, "%s failed\n", what);
		exit(1);
	}
}

const char *const machine_disk_names[MACHINE_DISKS] = {"plain", "queued"};

void machine_use(enum machine_disk disk, uint64_t random)
{
	machine.disk = disk;
	machine.random = random;
}

void machine_tally(const char *name, const uint64_t counts[MACHINE_DISKS])
{
	for (int i = 0; i < MACHINE_DISKS; i++)
		printf("tally: %s_%s %llu\n", name, machine_disk_names[i], (unsigned long long)counts[i]);
}

bool machine_has_queued(void)
{
	return machine.most_queued > 1;
}

static void open_directory(void)
{
	needed(rlq_directory_open(machine.queues, &machine.directory) == 0, "opening the directory");
}

void machine_begin(void)
{
	if (machine.clock == NULL)
		machine.clock = shared_memory(sizeof(*machine.clock));
	fake_clock_start(machine.clock);
	tmpdir_make(machine.queues);
	tmpdir_make(machine.data);
	tmpdir_make(machine.mirror);
	shadow_begin();
	second_begin();
	machine.first = machine.disk == MACHINE_QUEUED ? *disk_queued(machine.random) : durable_disk;
	machine.second = machine.disk == MACHINE_QUEUED ? *second_disk_queued(machine.random) : durable_second;
	machine.folders = MACHINE_UNMIRRORED;
	machine.saw_damage = machine.set_aside = machine.lost_mirror = false;
	machine.starts = 0;
	open_directory();
}

void machine_end(void)
{
	machine_stop();
	keys_close(machine.keys);
	machine.keys = NULL;
	rlq_directory_close(machine.directory);
	tmpdir_remove(machine.queues);
	tmpdir_remove(machine.data);
	tmpdir_remove(machine.mirror);
	shadow_end();
	second_end();
}

void machine_mirror(enum machine_folders folders)
{
	machine.folders = folders;
}

void machine_limit(uint64_t bytes)
{
	machine.limit = bytes;
}

void machine_window(uint64_t bytes)
{
	machine.window = bytes;
}

void machine_change_keys(void)
{
	machine.changes_keys = true;
}

static void put_key(char digit, char ret_path[KEY_PATH_BYTES])
{
	char text[65] = "";
	FILE *file;

	snprintf(ret_path, KEY_PATH_BYTES, "%s/key-%c", machine.data, digit);
	memset(text, digit, 64);
	file = fopen(ret_path, "w");
	needed(file && fchmod(fileno(file), 0600) == 0 && fputs(text, file) >= 0 && fclose(file) == 0,
	       "a key file");
}

static void next_keys(void)
{
	char paths[2][KEY_PATH_BYTES], why[300];
	const char *all[3] = {paths[0], paths[1]};
	const char *const current[3] = {paths[0], paths[1], NULL};

	keys_close(machine.keys);
	machine.keys = NULL;
	if (!machine.changes_keys)
		return;
	put_key('a', paths[0]);
	put_key('b', paths[1]);
	needed(keys_open(current[machine.starts++ % 3], all, &machine.keys, why, sizeof(why)) == 0, "opening keys");
}

int machine_start(void)
{
	struct journaling_options options = {
		.data = machine.data,
		.disk = &machine.first,
		.file_bytes = MACHINE_FILE_BYTES,
		.frame_bytes = machine.disk == MACHINE_QUEUED ? QUEUED_FRAME_BYTES : 0,
		.bytes_max = machine.limit,
		.window_bytes = machine.window,
		.say = say,
	};
	int error;

	if (machine.folders == MACHINE_BOTH) {
		options.mirror.path = machine.mirror;
		options.mirror.disk = &machine.second;
	} else if (machine.folders == MACHINE_SECOND) {
		options.data = machine.mirror;
		options.disk = &machine.second;
	}
	options.mirror.without_mirror = machine.folders == MACHINE_FIRST || machine.folders == MACHINE_SECOND;
	next_keys();
	options.keys = machine.keys;
	watchdog_names("start");
	error = journaling_start(&machine.directory->seg, &options, &machine.journaling);
	watchdog_names(NULL);
	return error;
}

bool machine_is_started(void)
{
	return machine.journaling != NULL;
}

void machine_stop(void)
{
	watchdog_names("stop");
	journaling_stop(machine.journaling);
	watchdog_names(NULL);
	machine.journaling = NULL;
	if (machine.disk == MACHINE_QUEUED && shadow_queue_most() > machine.most_queued)
		machine.most_queued = shadow_queue_most();
}

void machine_kill_engine(void)
{
	disk_power_for(0);
	second_disk_power_for(0);
	machine_stop();
	shadow_let_go();
	second_let_go();
}

void machine_lose_power(enum shadow_loss loss, size_t sector, uint64_t *random)
{
	disk_power_for(0);
	second_disk_power_for(0);
	machine_stop();
	rlq_directory_close(machine.directory);
	tmpdir_empty(machine.queues);
	shadow_sector(sector);
	second_sector(sector);
	shadow_restart(loss, random);
	second_restart(loss, random);
	open_directory();
}

struct rlq_directory *machine_directory(void)
{
	return machine.directory;
}

void machine_time_passes(uint64_t ms)
{
	fake_clock_advance(machine.clock, ms);
}

void machine_is_off_for(int64_t ms)
{
	machine.clock->wall_ms += (uint64_t)ms;
	machine.clock->boot_ms = BOOT_MS;
}

bool machine_saw_damage(void)
{
	return machine.saw_damage;
}

bool machine_set_aside(void)
{
	return machine.set_aside;
}

bool machine_lost_mirror(void)
{
	return machine.lost_mirror;
}

const char *machine_said(void)
{
	return machine.said;
}
