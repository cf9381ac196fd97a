#include "data.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "options.h"
#include "output.h"
#include "report.h"
#include "session.h"

int data_path(const struct common_options *options, char *ret_path, size_t path_bytes)
{
	struct session session;
	int rc;

	if (options->data && *options->data) {
		if (snprintf(ret_path, path_bytes, "%s", options->data) < (int)path_bytes)
			return EXIT_DONE;
		return report(EXIT_USAGE, "--data: too long: %s", options->data);
	}
	rc = session_open_directory(options, &session);
	if (rc)
		return rc;
	rc = rlq_journal_path(rlq_directory_path(session.directory), ret_path, path_bytes);
	if (rc < 0)
		rc = report(EXIT_FAILED, "no default folder of a journal for %s: %s (--data names one)",
			    rlq_directory_path(session.directory), rlq_strerror(rc));
	session_close(&session);
	return rc;
}

static int report_no_file(const char *data, const struct rlq_journal_summary *summary)
{
	const char *file = summary->failed_file;

	if (*summary->head_file)
		return report(EXIT_FAILED,
			      "%s/%s: has the head of %s (give it that name again, or move it away if it is a "
			      "copy)",
			      data, file, summary->head_file);
	if (strncmp(file, "sqs", 3) == 0)
		return report(EXIT_FAILED,
			      "%s/%s: not to be copied: tags and policies of queues are plain files of at most "
			      "1 MiB, and no links (replace it, or move it away)",
			      data, file);
	return report(EXIT_FAILED, "%s%s%s: no file of a journal (move it away)", data, *file ? "/" : "", file);
}

int data_report(int code, const char *data, const struct rlq_journal_summary *summary)
{
	const char *file = summary->failed_file, *slash = *file ? "/" : "";

	if (*summary->key_fault)
		return report(EXIT_FAILED, "%s", summary->key_fault);
	switch (code) {
	case -ENOKEY:
		return report(EXIT_FAILED, "%s/%s: encrypted with key %s, which was not given (--key-file)", data,
			      file, summary->wanted_key);
	case -ENOENT:
		return report(EXIT_FAILED, "no such folder: %s (--data names that of the journal)", data);
	case -ENODATA:
		return report(EXIT_FAILED, "no journal there yet: %s (--data names its folder)", data);
	case -ENOTSUP:
		return report(EXIT_FAILED, "%s%s%s: of a newer version (use that version of ringlease)", data,
			      slash, file);
	case -EMEDIUMTYPE:
		return report_no_file(data, summary);
	case -EXDEV:
		return report(EXIT_FAILED, "%s%s%s: of another journal (move it away)", data, slash, file);
	case -EAGAIN:
		return report(EXIT_FAILED, "%s: its files go faster than they can be read (try again)", data);
	default:
		return report(EXIT_FAILED, "%s%s%s: %s", data, slash, file, rlq_strerror(code));
	}
}

void data_time(uint64_t wall_ms, char ret_text[static DATA_TIME_BYTES])
{
	const time_t seconds = (time_t)(wall_ms / 1000);
	struct tm parts;
	size_t length;

	if (wall_ms == 0 || gmtime_r(&seconds, &parts) == NULL) {
		strcpy(ret_text, "-");
		return;
	}
	length = strftime(ret_text, DATA_TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(ret_text + length, DATA_TIME_BYTES - length, ".%03dZ", (int)(wall_ms % 1000));
}

void data_print_progress(void *context, const char *line)
{
	(void)context;
	if (isatty(STDERR_FILENO))
		report(EXIT_DONE, "%s", line);
}

void data_print_fault(void *context, const struct rlq_journal_fault *fault)
{
	const struct data_faults *faults = context;

	if (faults->list) {
		json_array_append_new(faults->list,
				      json_pack("{s:s, s:o, s:o, s:o, s:o, s:s}", "File", fault->file, "Offset",
						output_number(fault->offset), "Bytes", output_number(fault->bytes),
						"FirstFrame", output_number(fault->first_frame), "LastFrame",
						output_number(fault->last_frame), "Text", fault->text));
		return;
	}
	printf("%s/%s: at byte %" PRIu64, faults->data, fault->file, fault->offset);
	if (fault->bytes)
		printf(", %" PRIu64 " bytes", fault->bytes);
	printf(": %s", fault->text);
	if (fault->first_frame == fault->last_frame && fault->first_frame)
		printf("; frame %" PRIu64 " is lost", fault->first_frame);
	else if (fault->first_frame)
		printf("; frames %" PRIu64 " to %" PRIu64 " are lost", fault->first_frame, fault->last_frame);
	putchar('\n');
}
