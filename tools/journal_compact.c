/* journal compact: asks the engine to make its journal smaller. */
#include <inttypes.h>
#include <stdio.h>

#include <jansson.h>

#include "data.h"
#include "journal.h"
#include "output.h"
#include "report.h"
#include "session.h"

static int compact_json(const struct rlq_journal_size *before, const struct rlq_journal_size *after)
{
	return output_json(json_pack("{s:o, s:o, s:o, s:o, s:o}", "FilesBefore", output_number(before->files),
				     "BytesBefore", output_number(before->bytes), "Files",
				     output_number(after->files), "Bytes", output_number(after->bytes), "LiveBytes",
				     output_number(after->live_bytes)),
			   stdout);
}

static int compact_text(const struct rlq_journal_size *before, const struct rlq_journal_size *after)
{
	char was[32], is[32], live[32];

	output_bytes(before->bytes, was, sizeof(was));
	output_bytes(after->bytes, is, sizeof(is));
	output_bytes(after->live_bytes, live, sizeof(live));
	printf("compacted: %" PRIu64 " file%s, %s; before: %" PRIu64 " file%s, %s; live: %s\n", after->files,
	       after->files == 1 ? "" : "s", is, before->files, before->files == 1 ? "" : "s", was, live);
	return EXIT_DONE;
}

int journal_compact(const struct journal_options *options)
{
	struct rlq_journal_size before = RLQ_JOURNAL_SIZE_INIT, after = RLQ_JOURNAL_SIZE_INIT;
	struct session session;
	int rc = session_open_directory(&options->common, &session);

	if (rc)
		return rc;
	rc = rlq_journal_compact(rlq_directory_path(session.directory), &before, &after);
	if (rc == RLQ_EENGINE)
		rc = report(EXIT_FAILED, "no engine journals %s, and compacting is its work: start ringleased",
			    rlq_directory_path(session.directory));
	else if (rc < 0)
		rc = report(EXIT_FAILED, "cannot compact the journal: %s", rlq_strerror(rc));
	else
		rc = options->common.json ? compact_json(&before, &after) : compact_text(&before, &after);
	session_close(&session);
	return rc;
}
