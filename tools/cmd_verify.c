/* verify: looks for damage in a queue's segment. */
#include <stdio.h>

#include <ringlease.h>

#include "options.h"
#include "output.h"
#include "report.h"
#include "session.h"

struct verify_options {
	struct common_options common;
};

struct verifying {
	const struct verify_options *options;
	struct rlq_directory *directory;
	const char *name;
	json_t *faults; /* only for JSON */
	int rc;
};

static void take_fault(void *context, const char *text)
{
	const struct verifying *verifying = context;

	if (!verifying->options->common.json)
		printf("%s: %s\n", verifying->name, text);
	else if (json_array_append_new(verifying->faults, json_string(text)))
		report(EXIT_FAILED, "%s: %s", verifying->name, text); /* not UTF-8, or no memory: say it anyway */
}

static int print_result(struct verifying *verifying, int fault_count)
{
	if (verifying->options->common.json) {
		const int rc = output_json(json_pack("{s:s, s:i, s:O}", "QueueName", verifying->name, "FaultCount",
						     fault_count, "Faults", verifying->faults),
					   stdout);

		if (rc)
			return rc;
	} else if (fault_count) {
		printf("%s: %d fault%s\n", verifying->name, fault_count, fault_count == 1 ? "" : "s");
	} else {
		printf("%s: ok\n", verifying->name);
	}
	return fault_count ? EXIT_FAILED : EXIT_DONE;
}

static int verify_each(void *context, const char *name)
{
	struct verifying *verifying = context;
	int count, rc;

	verifying->name = name;
	verifying->faults = json_array();
	count = rlq_verify(verifying->directory, name, take_fault, verifying);
	rc = count < 0 ? report_code(count, name) : print_result(verifying, count);
	json_decref(verifying->faults);
	if (rc)
		verifying->rc = rc;
	return 0;
}

static int verify_run(void *opaque)
{
	const struct verify_options *options = opaque;
	struct verifying verifying = {.options = options};
	struct session session;
	int rc = session_open_directory(&options->common, &session);

	if (rc)
		return rc;
	verifying.directory = session.directory;
	if (options->common.argument_count)
		verify_each(&verifying, options->common.arguments[0]);
	else
		rc = rlq_queue_list(session.directory, NULL, verify_each, &verifying);
	if (rc < 0)
		verifying.rc = report_code(rc, rlq_directory_path(session.directory));
	session_close(&session);
	return verifying.rc;
}

const struct command cmd_verify = {
	.name = "verify",
	.arguments = "[QUEUE]",
	.summary = "Check that a queue, or each, is sound; print what is broken",
	.notes = "Changes nothing; live queues may be checked. Exit status 1 if a fault was found.",
	.options_bytes = sizeof(struct verify_options),
	.arguments_max = 1,
	.first = COMPLETE_QUEUES,
	.run = verify_run,
};
