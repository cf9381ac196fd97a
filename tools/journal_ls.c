/* journal ls: the files of a journal. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include "data.h"
#include "journal.h"
#include "output.h"
#include "report.h"

static const struct table_column columns[] = {
	{"FILE", false},      {"BYTES", true},	{"TURNS", true}, {"RECORDS", true}, {"LIVE", true},
	{"LIVE-BYTES", true}, {"FIRST", false}, {"LAST", false}, {"KEY", false},
};

struct listing {
	const struct journal_options *options;
	struct table table;
};

static int list_json(const struct rlq_journal_file *file)
{
	return output_json(json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "File", file->name, "Bytes",
				     output_number(file->bytes), "Turns", output_number(file->turns), "Records",
				     output_number(file->records), "LiveMessages",
				     output_number(file->live_messages), "LiveBytes",
				     output_number(file->live_bytes), "FirstTimestamp",
				     output_number(file->first_ms), "LastTimestamp", output_number(file->last_ms),
				     "Key", file->key),
			   stdout);
}

static int list_file(void *context, const struct rlq_journal_file *file)
{
	struct listing *listing = context;
	char first[DATA_TIME_BYTES], last[DATA_TIME_BYTES];

	if (listing->options->common.json)
		return list_json(file);
	data_time(file->first_ms, first);
	data_time(file->last_ms, last);
	table_cell(&listing->table, "%s", file->name);
	table_cell(&listing->table, "%" PRIu64, file->bytes);
	table_cell(&listing->table, "%" PRIu64, file->turns);
	table_cell(&listing->table, "%" PRIu64, file->records);
	table_cell(&listing->table, "%" PRIu64, file->live_messages);
	table_cell(&listing->table, "%" PRIu64, file->live_bytes);
	table_cell(&listing->table, "%s", first);
	table_cell(&listing->table, "%s", last);
	table_cell(&listing->table, "%s", *file->key ? file->key : "-");
	return 0;
}

static int summary_json(const char *data, const struct rlq_journal_summary *summary)
{
	return output_json(json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "Journal", data,
				     "Files", output_number(summary->files), "Bytes", output_number(summary->bytes),
				     "Turns", output_number(summary->turns), "Records",
				     output_number(summary->records), "Queues", output_number(summary->queues),
				     "LiveMessages", output_number(summary->live_messages), "LiveBytes",
				     output_number(summary->live_bytes), "LastTurn",
				     output_number(summary->last_turn), "LastTimestamp",
				     output_number(summary->last_ms), "FaultCount", output_number(summary->faults)),
			   stdout);
}

static void print_summary(const char *data, const struct rlq_journal_summary *summary)
{
	char bytes[32], live[32], last[DATA_TIME_BYTES];

	output_bytes(summary->bytes, bytes, sizeof(bytes));
	output_bytes(summary->live_bytes, live, sizeof(live));
	data_time(summary->last_ms, last);
	printf("%s: %" PRIu64 " file%s, %s; %" PRIu64 " queue%s with %" PRIu64
	       " live message%s, %s; last turn %" PRIu64 ", %s\n",
	       data, summary->files, summary->files == 1 ? "" : "s", bytes, summary->queues,
	       summary->queues == 1 ? "" : "s", summary->live_messages, summary->live_messages == 1 ? "" : "s",
	       live, summary->last_turn, last);
}

int journal_ls(const struct journal_options *options, const char *data)
{
	struct listing listing = {.options = options};
	struct rlq_journal_summary summary = RLQ_JOURNAL_SUMMARY_INIT;
	int rc;

	table_begin(&listing.table, columns, sizeof(columns) / sizeof(columns[0]));
	rc = rlq_journal_list(data, list_file, &listing, &summary);
	if (rc < 0)
		return data_report(rc, data, &summary);
	if (rc > 0)
		return rc;
	if (options->common.json)
		return summary_json(data, &summary);
	if (table_print(&listing.table, SIZE_MAX, "\n", stdout))
		return report(EXIT_FAILED, "out of memory");
	print_summary(data, &summary);
	if (summary.faults)
		return report(EXIT_DONE, "warning: it is damaged (ringlease journal verify says where)");
	return EXIT_DONE;
}
