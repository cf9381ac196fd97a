#include "daemon/account.h"

#include "kmod-free/clock.h"

#include <inttypes.h>
#include <stdio.h>

/* About the journal as a whole. */
#define tell(account, format, ...)                                                                                 \
	(account)->say((account)->context, "journal %s: " format, (account)->path, __VA_ARGS__)

struct text {
	char text[32];
};

static struct text bytes_text(uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	double amount = (double)bytes / 1024;
	struct text text;
	size_t unit = 0;

	while (amount >= 1024 && unit + 1 < sizeof(units) / sizeof(*units)) {
		amount /= 1024;
		unit++;
	}
	snprintf(text.text, sizeof(text.text), "%.1f %s", amount, units[unit]);
	return text;
}

static struct text seconds_text(uint64_t ms)
{
	struct text text;

	snprintf(text.text, sizeof(text.text), "%" PRIu64 ".%03u s", ms / 1000, (unsigned)(ms % 1000));
	return text;
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* ---- on the way ------------------------------------------------------------------------------- */

void account_begin(struct account *account)
{
	account->begun_ms = account->told_ms = os_boot_ms();
	account->queues = account->messages = 0;
}

static bool is_time(struct account *account, uint64_t now_ms)
{
	if (now_ms < account->told_ms + ACCOUNT_EVERY_MS)
		return false;
	account->told_ms = now_ms;
	return true;
}

void account_reading(struct account *account, uint64_t bytes, uint64_t bytes_all, uint64_t messages)
{
	uint64_t now_ms = os_boot_ms();

	if (!is_time(account, now_ms))
		return;
	tell(account, "%u %% read, %s of %s, %s/s; %" PRIu64 " message%s so far",
	     (unsigned)(bytes_all ? (double)bytes / (double)bytes_all * 100 : 0), bytes_text(bytes).text,
	     bytes_text(bytes_all).text, bytes_text(bytes * 1000 / (now_ms - account->begun_ms)).text, messages,
	     plural(messages));
}

void account_copying(struct account *account, uint64_t bytes)
{
	uint64_t now_ms = os_boot_ms();

	if (is_time(account, now_ms))
		tell(account, "%s copied, %s/s", bytes_text(bytes).text,
		     bytes_text(bytes * 1000 / (now_ms - account->begun_ms)).text);
}

void account_restoring(struct account *account, const char *queue, uint64_t messages, uint64_t messages_all)
{
	if (is_time(account, os_boot_ms()))
		tell(account, "%s: %" PRIu64 " of %" PRIu64 " messages in place", queue, messages, messages_all);
}

/* ---- what came of it -------------------------------------------------------------------------- */

static void say_damage(const struct account *account, const struct replay_report *report)
{
	char name[FORMAT_FILE_NAME_BYTES];

	for (uint64_t i = 0; i < report->damage_count && i < REPLAY_DAMAGE_MAX; i++) {
		const struct replay_damage *damage = &report->damage[i];

		format_file_name(damage->file, name);
		tell(account, "DAMAGE in %s at %" PRIu64 ": %s; what it said is lost", name, damage->offset,
		     format_fault_text(damage->fault));
	}
	if (report->damage_count > REPLAY_DAMAGE_MAX)
		tell(account, "DAMAGE at %" PRIu64 " more places", report->damage_count - REPLAY_DAMAGE_MAX);
	if (report->lost_frames > 0)
		tell(account, "DAMAGE took %" PRIu64 " frame%s of records; all others count", report->lost_frames,
		     plural(report->lost_frames));
}

void account_replayed(const struct account *account, const struct replay_report *report)
{
	char name[FORMAT_FILE_NAME_BYTES];

	if (report->files == 0) {
		account->say(account->context, "journal %s: begun: there was none in this folder", account->path);
		return;
	}
	tell(account, "%" PRIu64 " turn%s read from %" PRIu64 " file%s, %s", report->turns, plural(report->turns),
	     report->files, plural(report->files), bytes_text(report->bytes_all).text);
	if (report->files_unused > 0)
		tell(account, "nothing in %" PRIu64 " of these files counts", report->files_unused);
	if (report->cut_bytes > 0) {
		format_file_name(report->cut_file, name);
		tell(account, "cut off behind the last whole turn, in %s at %" PRIu64 ": %s in %" PRIu64 " frame%s",
		     name, report->cut_offset, bytes_text(report->cut_bytes).text, report->cut_frames,
		     plural(report->cut_frames));
	}
	say_damage(account, report);
}

void account_queue(struct account *account, const char *queue, const struct recovered *recovered)
{
	account->queues++;
	account->messages += recovered->messages;
	if (!recovered->was_alive)
		account->say(account->context, "%s: %" PRIu64 " message%s recovered", queue, recovered->messages,
			     plural(recovered->messages));
	else if (recovered->gone == 0)
		account->say(account->context, "%s: %" PRIu64 " message%s found in memory", queue,
			     recovered->messages, plural(recovered->messages));
	else
		account->say(account->context,
			     "%s: %" PRIu64 " message%s found in memory, %" PRIu64 " deleted meanwhile", queue,
			     recovered->messages, plural(recovered->messages), recovered->gone);
}

void account_lost(const struct account *account, uint64_t messages)
{
	if (messages > 0)
		tell(account, "DAMAGE: %" PRIu64 " message%s of queues that no file defines any more", messages,
		     plural(messages));
}

void account_end(const struct account *account)
{
	if (account->queues > 0)
		tell(account, "%" PRIu64 " queue%s with %" PRIu64 " message%s back after %s", account->queues,
		     plural(account->queues), account->messages, plural(account->messages),
		     seconds_text(os_boot_ms() - account->begun_ms).text);
}
