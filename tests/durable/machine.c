#include "tests/durable/machine.h"

#include "daemon/journaling.h"
#include "tests/support/fake_clock.h"
#include "tests/support/shared.h"
#include "tests/support/tmpdir.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	char queues[TMPDIR_BYTES], data[TMPDIR_BYTES];
	struct rlq_directory *directory;
	struct journaling *journaling;
	struct os_clock_words *clock;
	bool saw_damage;
	char said[512];
} machine;

static __attribute__((format(printf, 2, 3))) void say(void *context, const char *format, ...)
{
	va_list arguments;

	(void)context;
	va_start(arguments, format);
	vsnprintf(machine.said, sizeof(machine.said), format, arguments);
	va_end(arguments);
	if (strstr(machine.said, "DAMAGE"))
		machine.saw_damage = true;
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
	shadow_begin();
	machine.saw_damage = false;
	open_directory();
}

void machine_end(void)
{
	machine_stop();
	rlq_directory_close(machine.directory);
	tmpdir_remove(machine.queues);
	tmpdir_remove(machine.data);
	shadow_end();
}

int machine_start(void)
{
	struct journaling_options options = {
		.data = machine.data, .disk = &durable_disk, .file_bytes = MACHINE_FILE_BYTES, .say = say};

	return journaling_start(&machine.directory->seg, &options, &machine.journaling);
}

bool machine_is_started(void)
{
	return machine.journaling != NULL;
}

void machine_stop(void)
{
	journaling_stop(machine.journaling);
	machine.journaling = NULL;
}

void machine_kill_engine(void)
{
	disk_power_for(0);
	machine_stop();
	shadow_let_go();
}

void machine_lose_power(enum shadow_loss loss, size_t sector, uint64_t *random)
{
	disk_power_for(0);
	machine_stop();
	rlq_directory_close(machine.directory);
	tmpdir_empty(machine.queues);
	shadow_sector(sector);
	shadow_restart(loss, random);
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

bool machine_saw_damage(void)
{
	return machine.saw_damage;
}

const char *machine_said(void)
{
	return machine.said;
}
