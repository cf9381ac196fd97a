/* backup and restore: copies of a journal, verified. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <jansson.h>

#include "data.h"
#include "options.h"
#include "output.h"
#include "report.h"

struct backup_options {
	struct common_options common;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct copying {
	const struct backup_options *options;
	bool is_restore;
	const char *from, *to;
	uint64_t took_ms;
	struct rlq_journal_summary summary; /* of the copy */
};

static int print_json(const struct copying *copying, json_t *faults)
{
	const struct rlq_journal_summary *summary = &copying->summary;

	return output_json(json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:O}", "Source",
				     copying->from, "Target", copying->to, "Sound", summary->faults == 0, "Files",
				     output_number(summary->files), "Bytes", output_number(summary->bytes),
				     "Queues", output_number(summary->queues), "LiveMessages",
				     output_number(summary->live_messages), "Notes", output_number(summary->notes),
				     "LastTurn", output_number(summary->last_turn), "LastTimestamp",
				     output_number(summary->last_ms), "TookMs", output_number(copying->took_ms),
				     "FaultCount", output_number(summary->faults), "Faults", faults),
			   stdout);
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static int print_text(const struct copying *copying)
{
	const struct rlq_journal_summary *summary = &copying->summary;
	char bytes[32], last[DATA_TIME_BYTES];

	output_bytes(summary->bytes, bytes, sizeof(bytes));
	data_time(summary->last_ms, last);
	printf("%s %s to %s: %" PRIu64 " queue%s, %" PRIu64 " live message%s; %" PRIu64 " file%s, %s",
	       copying->is_restore ? "restored" : "backed up", copying->from, copying->to, summary->queues,
	       plural(summary->queues), summary->live_messages, plural(summary->live_messages), summary->files,
	       plural(summary->files), bytes);
	if (summary->notes)
		printf("; %" PRIu64 " file%s of SQS tags and policies", summary->notes, plural(summary->notes));
	putchar('\n');
	printf("point: turn %" PRIu64 ", %s; took %" PRIu64 ".%03u s; %s\n", summary->last_turn, last,
	       copying->took_ms / 1000, (unsigned)(copying->took_ms % 1000),
	       summary->faults ? "DAMAGED" : "verified");
	return EXIT_DONE;
}

/* Where --data names the target, not what is read. */
static int report_source(const struct copying *copying, int code)
{
	if (copying->is_restore && code == -ENOENT)
		return report(EXIT_FAILED, "no such folder: %s (name that of a backup)", copying->from);
	if (copying->is_restore && code == -ENODATA)
		return report(EXIT_FAILED, "no backup in %s: no file of a journal is there (name its folder)",
			      copying->from);
	return data_report(code, copying->from, &copying->summary);
}

/* What is wrong may be either end's. */
static int report_failure(const struct copying *copying, int code)
{
	const char *file = copying->summary.failed_file;

	switch (code) {
	case -ENOTEMPTY:
		return report(EXIT_FAILED, "there is something in %s already (name a new folder, or an empty one)",
			      copying->to);
	case -ENOSPC:
	case -EDQUOT:
	case -EROFS:
		return report(EXIT_FAILED, "cannot write %s: %s", copying->to, rlq_strerror(code));
	case -ENOENT:
	case -ENODATA:
	case -ENOTSUP:
	case -EMEDIUMTYPE:
	case -EXDEV:
	case -EAGAIN:
		return report_source(copying, code);
	default:
		return report(EXIT_FAILED, "cannot copy %s%s%s to %s: %s", copying->from, *file ? "/" : "", file,
			      copying->to, rlq_strerror(code));
	}
}

static int copy(struct copying *copying)
{
	const bool json = copying->options->common.json;
	json_t *list = json ? json_array() : NULL;
	struct data_faults faults = {.data = copying->to, .list = list};
	const uint64_t begun_ms = now_ms();
	int count, rc;

	copying->summary = (struct rlq_journal_summary)RLQ_JOURNAL_SUMMARY_INIT;
	if (!json)
		copying->summary.progress = data_print_progress;
	count = (copying->is_restore ? rlq_journal_restore : rlq_journal_copy)(
		copying->from, copying->to, data_print_fault, &faults, &copying->summary);
	copying->took_ms = now_ms() - begun_ms;
	if (count < 0)
		rc = report_failure(copying, count);
	else
		rc = json ? print_json(copying, list) : print_text(copying);
	json_decref(list);
	if (rc || count <= 0)
		return rc;
	return report(EXIT_FAILED, "%s is damaged, and so is the copy: it has what is left", copying->from);
}

static int backup_run(void *opaque)
{
	const struct backup_options *options = opaque;
	char data[PATH_MAX];
	struct copying copying = {.options = options, .from = data, .to = options->common.arguments[0]};
	int rc;

	if (!*copying.to)
		return report(EXIT_USAGE, "where to? (name a new folder, or an empty one)");
	rc = data_path(&options->common, data, sizeof(data));
	return rc ? rc : copy(&copying);
}

static int restore_run(void *opaque)
{
	const struct backup_options *options = opaque;
	const char *given = options->common.data ? options->common.data : getenv("RINGLEASE_DATA");
	struct copying copying = {
		.options = options, .is_restore = true, .from = options->common.arguments[0], .to = given};

	if (!given || !*given)
		return report(EXIT_USAGE,
			      "where to? (--data names a new folder; ringleased is then started with it)");
	return copy(&copying);
}

const struct command cmd_backup = {
	.name = "backup",
	.arguments = "TARGET_DIR",
	.summary = "Copy the journal, also while it is in use, to a new folder, and verify the copy",
	.notes = "All that was acknowledged before is in the copy; the point that it reaches is printed. "
		 "Tags and\n"
		 "policies that ringlease-sqs keeps beside the journal are copied too. TARGET_DIR must not exist "
		 "or\n"
		 "be empty. Exit status 1 if the journal is damaged: what is left is copied.",
	.options_bytes = sizeof(struct backup_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.first = COMPLETE_DIRECTORIES,
	.run = backup_run,
};

const struct command cmd_restore = {
	.name = "restore",
	.arguments = "SOURCE_DIR",
	.summary = "Copy a backup to a new folder of a journal (--data), and verify it",
	.notes = "Then start ringleased --data with that folder: it has the queues. The folder must not exist or "
		 "be empty.\n"
		 "The copy is this machine's own, wherever the backup was made, and has no mirror.",
	.options_bytes = sizeof(struct backup_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.first = COMPLETE_DIRECTORIES,
	.run = restore_run,
};
