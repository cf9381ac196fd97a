/* journal verify: is all there that was written? */
#include <inttypes.h>
#include <stdio.h>

#include <jansson.h>

#include "data.h"
#include "journal.h"
#include "output.h"
#include "report.h"

static int verify_json(const char *data, const struct rlq_journal_summary *summary, json_t *faults)
{
	return output_json(
		json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:O}", "Journal", data,
			  "Sound", summary->faults == 0, "Files", output_number(summary->files), "Turns",
			  output_number(summary->turns), "Records", output_number(summary->records), "LastTurn",
			  output_number(summary->last_turn), "LastTimestamp", output_number(summary->last_ms),
			  "FaultCount", output_number(summary->faults), "LostFrames",
			  output_number(summary->lost_frames), "LockedFiles", output_number(summary->locked_files),
			  "CutFile", summary->cut_file, "CutOffset", output_number(summary->cut_offset), "CutBytes",
			  output_number(summary->cut_bytes), "Faults", faults),
		stdout);
}

/* A turn that was being written when the machine stopped, or is being written now. */
static void print_cut(const char *data, const struct rlq_journal_summary *summary)
{
	if (summary->cut_bytes)
		printf("%s/%s: at byte %" PRIu64 ": %" PRIu64
		       " bytes of a turn that is not whole; nothing in it was acknowledged\n",
		       data, summary->cut_file, summary->cut_offset, summary->cut_bytes);
}

/* Checksums show what broke, not what somebody altered who made them right again. */
static void print_locked(const char *data, const struct rlq_journal_summary *summary)
{
	if (summary->locked_files)
		printf("%s: %" PRIu64 " of %" PRIu64
		       " files are encrypted: only their checksums were compared (--key-file compares all)\n",
		       data, summary->locked_files, summary->files);
}

static void print_verdict(const char *data, const struct rlq_journal_summary *summary)
{
	char last[DATA_TIME_BYTES];

	data_time(summary->last_ms, last);
	if (summary->files == 0)
		printf("%s: sound: no journal there yet\n", data);
	else if (summary->faults == 0)
		printf("%s: sound: %" PRIu64 " turns, %" PRIu64 " records; last turn %" PRIu64 ", %s\n", data,
		       summary->turns, summary->records, summary->last_turn, last);
	else
		printf("%s: DAMAGED: %" PRIu64 " fault%s, %" PRIu64 " frame%s lost; last turn %" PRIu64 ", %s\n",
		       data, summary->faults, summary->faults == 1 ? "" : "s", summary->lost_frames,
		       summary->lost_frames == 1 ? "" : "s", summary->last_turn, last);
}

int journal_verify(const struct journal_options *options, const char *data)
{
	struct rlq_journal_summary summary = RLQ_JOURNAL_SUMMARY_INIT;
	json_t *list = options->common.json ? json_array() : NULL;
	struct data_faults faults = {.data = data, .list = list};
	int count, rc = EXIT_DONE;

	if (!options->common.json)
		summary.progress = data_print_progress;
	count = rlq_journal_verify(data, options->keys, data_print_fault, &faults, &summary);
	if (count < 0) {
		rc = data_report(count, data, &summary);
	} else if (options->common.json) {
		rc = verify_json(data, &summary, list);
	} else {
		print_cut(data, &summary);
		print_locked(data, &summary);
		print_verdict(data, &summary);
	}
	json_decref(list);
	if (rc || count <= 0)
		return rc;
	return report(EXIT_FAILED, "%s is damaged: its engine restores what is left (a backup may have the rest)",
		      data);
}
