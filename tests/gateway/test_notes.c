/* Notes of queues: kept in files, whatever is killed, and whoever else is there. */
#include "gateway/notes.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ringlease-engine.h>

#include "tests/support/queue_fixture.h"
#include "tests/support/tmpdir.h"

static struct notes *notes;
static char folder[TMPDIR_BYTES + 8], data[TMPDIR_BYTES];

static void begin(void)
{
	queues_begin();
	tmpdir_make(data);
	snprintf(folder, sizeof(folder), "%s/.sqs", queues_path());
	notes = notes_open(queues_path(), data);
	cr_assert_not_null(notes);
}

static void end(void)
{
	notes_close(notes);
	tmpdir_remove(folder);
	tmpdir_remove(data);
	queues_end();
}

TestSuite(notes, .init = begin, .fini = end, .timeout = 60);

/* ---- what is done with them ------------------------------------------------------------------- */

static bool set_tag(json_t *is, void *context)
{
	json_object_set_new(json_object_get(is, "tags"), "k", json_string(context));
	return true;
}

static void tag(struct notes *of, struct rlq_queue *queue, const char *value)
{
	cr_assert_eq(notes_change(of, queue, set_tag, (void *)value), 0);
}

static json_t *notes_of(struct notes *of, struct rlq_queue *queue)
{
	json_t *is;

	cr_assert_eq(notes_read(of, queue, &is), 0);
	return is;
}

/* "": none. Until the next call. */
static const char *tag_of(struct notes *of, struct rlq_queue *queue)
{
	static char text[64];
	json_t *is = notes_of(of, queue);
	const char *value = json_string_value(json_object_get(json_object_get(is, "tags"), "k"));

	cr_assert(json_is_object(json_object_get(is, "attributes")));
	snprintf(text, sizeof(text), "%s", value ? value : "");
	json_decref(is);
	return text;
}

static void path_of(const char *name, char ret_path[TMPDIR_BYTES + 128])
{
	snprintf(ret_path, TMPDIR_BYTES + 128, "%s/%s", folder, name);
}

static bool exists(const char *name)
{
	char path[TMPDIR_BYTES + 128];

	path_of(name, path);
	return access(path, F_OK) == 0;
}

static void write_file(const char *name, const char *text)
{
	char path[TMPDIR_BYTES + 128];
	FILE *file;

	path_of(name, path);
	mkdir(folder, 0700);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

/* What is said on stderr from here on. */
static int said[2];

static void listen(void)
{
	cr_assert_eq(pipe2(said, O_NONBLOCK), 0);
	cr_assert_neq(dup2(said[1], STDERR_FILENO), -1);
}

static const char *what_was_said(void)
{
	static char text[4096];
	ssize_t bytes = read(said[0], text, sizeof(text) - 1);

	text[bytes > 0 ? bytes : 0] = '\0';
	return text;
}

static int lines_said(void)
{
	int lines = 0;

	for (const char *text = what_was_said(); *text; text++)
		lines += *text == '\n';
	return lines;
}

Test(notes, a_queue_without_any_has_empty_ones)
{
	cr_expect_str_eq(tag_of(notes, queue_make("q", NULL)), "");
	cr_expect_not(exists("q.json"));
}

Test(notes, what_is_kept_is_read_again)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	tag(notes, queue, "a");
	cr_expect_str_eq(tag_of(notes, queue), "a");
	tag(notes, queue, "b");
	cr_expect_str_eq(tag_of(notes, queue), "b");
	cr_expect_str_eq(tag_of(notes, queue_make("other", NULL)), "");
}

Test(notes, they_outlive_the_gateway)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	tag(notes, queue, "a");
	notes_close(notes);
	notes = notes_open(queues_path(), data);
	cr_expect_str_eq(tag_of(notes, queue), "a");
}

static bool keep_nothing(json_t *is, void *context)
{
	set_tag(is, context);
	return false;
}

Test(notes, a_change_that_is_not_kept_changes_nothing)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	tag(notes, queue, "a");
	cr_expect_eq(notes_change(notes, queue, keep_nothing, (void *)"b"), 1);
	cr_expect_str_eq(tag_of(notes, queue), "a");
}

Test(notes, what_was_read_stays_while_others_change_it)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	json_t *is;

	tag(notes, queue, "a");
	is = notes_of(notes, queue);
	tag(notes, queue, "b");
	cr_expect_str_eq(json_string_value(json_object_get(json_object_get(is, "tags"), "k")), "a");
	json_decref(is);
}

/* ---- queues that come and go ------------------------------------------------------------------ */

Test(notes, they_go_with_the_queue)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	tag(notes, queue, "a");
	rlq_queue_remove(queues_directory(), "q");
	notes_drop(notes, queue);
	cr_expect_not(exists("q.json"));
}

Test(notes, a_queue_that_was_made_again_has_none_of_the_old_one)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	tag(notes, queue, "a");
	rlq_queue_remove(queues_directory(), "q");
	time_passes(1);
	queue = queue_make("q", NULL);
	cr_expect_str_eq(tag_of(notes, queue), "");
	tag(notes, queue, "b");
	cr_expect_str_eq(tag_of(notes, queue), "b");
}

Test(notes, a_late_drop_leaves_those_of_the_new_queue)
{
	struct rlq_queue *old = queue_make("q", NULL), *queue;

	tag(notes, old, "a");
	rlq_queue_remove(queues_directory(), "q");
	time_passes(1);
	queue = queue_make("q", NULL);
	tag(notes, queue, "b");
	notes_drop(notes, old);
	cr_expect_str_eq(tag_of(notes, queue), "b");
}

/* ---- several gateways ------------------------------------------------------------------------- */

Test(notes, another_gateway_sees_what_this_one_changed)
{
	struct notes *other = notes_open(queues_path(), data);
	struct rlq_queue *queue = queue_make("q", NULL);

	cr_expect_str_eq(tag_of(other, queue), "");
	for (int i = 0; i < 50; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%d", i);
		tag(i % 2 ? notes : other, queue, text);
		cr_expect_str_eq(tag_of(notes, queue), text);
		cr_expect_str_eq(tag_of(other, queue), text);
	}
	notes_close(other);
}

/* An operator's editor may write in place, and the file's time has ticks of some milliseconds. */
Test(notes, a_file_that_changes_twice_within_a_tick_is_read_again)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	char text[256], value[16];

	for (int i = 100; i < 300; i++) {
		snprintf(value, sizeof(value), "%d", i);
		snprintf(text, sizeof(text),
			 "{\"created_ms\": %llu, \"tags\": {\"k\": \"%s\"}, \"attributes\": {}}",
			 (unsigned long long)rlq_queue_created_ms(queue), value);
		write_file("q.json", text);
		cr_assert_str_eq(tag_of(notes, queue), value);
	}
}

enum { ADDERS = 4, ADDED = 50 };

static bool add_one(json_t *is, void *context)
{
	json_object_set_new(json_object_get(is, "tags"), context, json_string(""));
	return true;
}

/* A gateway of its own. */
static void *add_many(void *context)
{
	struct notes *own = notes_open(queues_path(), data);
	struct rlq_queue *queue;
	char key[32];

	rlq_queue_open(queues_directory(), "q", &queue);
	for (int i = 0; i < ADDED; i++) {
		snprintf(key, sizeof(key), "%s.%d", (const char *)context, i);
		notes_change(own, queue, add_one, key);
	}
	rlq_queue_close(queue);
	notes_close(own);
	return NULL;
}

Test(notes, changes_of_several_gateways_are_all_kept)
{
	static const char *const names[ADDERS] = {"a", "b", "c", "d"};
	struct rlq_queue *queue = queue_make("q", NULL);
	pthread_t threads[ADDERS];
	json_t *is;

	for (int i = 0; i < ADDERS; i++)
		pthread_create(&threads[i], NULL, add_many, (void *)names[i]);
	for (int i = 0; i < ADDERS; i++)
		pthread_join(threads[i], NULL);
	is = notes_of(notes, queue);
	cr_expect_eq(json_object_size(json_object_get(is, "tags")), ADDERS * ADDED);
	json_decref(is);
}

/* ---- kills ------------------------------------------------------------------------------------ */

/* The library's, but for a process that is to die there. */
static bool dies_at_rename;

int rename(const char *from, const char *to)
{
	if (dies_at_rename)
		raise(SIGKILL);
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static void change_and_die(void *context)
{
	dies_at_rename = true;
	notes_change(notes, context, set_tag, (void *)"b");
}

Test(notes, a_gateway_killed_before_the_rename_leaves_the_old_ones)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct notes *other = notes_open(queues_path(), data);

	tag(notes, queue, "a");
	die_doing(change_and_die, queue);
	cr_expect_str_eq(tag_of(other, queue), "a");
	tag(other, queue, "c");
	cr_expect_str_eq(tag_of(other, queue), "c");
	cr_expect_not(exists("q.json.new"));
	notes_close(other);
}

/* ---- files that are none of ours -------------------------------------------------------------- */

Test(notes, a_damaged_file_means_no_notes_and_is_said_once)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"\xff\xfe",
		"{\"created_ms\": \"1\", \"tags\": {}, \"attributes\": {}}",
		"{\"created_ms\": 1, \"tags\": [], \"attributes\": {}}",
		"{\"created_ms\": 1, \"tags\": {\"k\": 1}, \"attributes\": {}}",
		"{\"created_ms\": 1, \"tags\": {}}",
		"{\"created_ms\": 1, \"tags\": {}, \"attributes\": {\"Policy\": null}}",
		"{\"created_ms\": 1, \"tags\": {}, \"attributes\": {}, \"moves\": {}}",
		"{\"created_ms\": 1, \"tags\": {}, \"attributes\": {}, \"moves\": [{}]}",
	};
	struct rlq_queue *queue = queue_make("q", NULL);

	listen();
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_file("x", texts[i]);
		char from[TMPDIR_BYTES + 128], to[TMPDIR_BYTES + 128];

		path_of("x", from);
		path_of("q.json", to);
		cr_assert_eq(rename(from, to), 0);
		cr_expect_str_eq(tag_of(notes, queue), "");
		cr_expect_str_eq(tag_of(notes, queue), "");
		cr_expect_eq(lines_said(), 1, "%s", texts[i]);
	}
}

Test(notes, a_damaged_file_is_put_aside_by_a_change)
{
	struct rlq_queue *queue = queue_make("q", NULL);

	listen();
	write_file("q.json", "not ours");
	tag(notes, queue, "a");
	cr_expect_str_eq(tag_of(notes, queue), "a");
	cr_expect(exists("q.json.damaged"));
}

/* Without a descriptor to spare nothing can be said of the file: not that it is damaged, nor later on. */
Test(notes, a_file_that_cannot_be_read_now_is_read_later)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlimit before;
	json_t *is = NULL;

	tag(notes, queue, "a");
	notes_close(notes);
	notes = notes_open(queues_path(), data);
	getrlimit(RLIMIT_NOFILE, &before);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_max = before.rlim_max}), 0);
	cr_expect_eq(notes_read(notes, queue, &is), -EMFILE);
	cr_expect_null(is);
	cr_expect_eq(notes_change(notes, queue, set_tag, (void *)"b"), -EMFILE);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	cr_expect_str_eq(tag_of(notes, queue), "a");
	cr_expect_not(exists("q.json.damaged"));
}

Test(notes, what_is_no_file_means_no_notes)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	char path[TMPDIR_BYTES + 128];

	listen();
	mkdir(folder, 0700);
	path_of("q.json", path);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_str_eq(tag_of(notes, queue), "");
	cr_expect_str_eq(tag_of(notes, queue), "");
	cr_expect_eq(lines_said(), 1);
}

Test(notes, a_file_larger_than_any_means_no_notes)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	char path[TMPDIR_BYTES + 128];
	const char *said_text;

	listen();
	write_file("q.json", "{}");
	path_of("q.json", path);
	cr_assert_eq(truncate(path, INT64_C(1) << 40), 0);
	cr_expect_str_eq(tag_of(notes, queue), "");
	cr_expect_str_eq(tag_of(notes, queue), "");
	said_text = what_was_said();
	cr_expect(strstr(said_text, "a large one"), "%s", said_text);
	cr_expect_str_eq(strchr(said_text, '\n'), "\n", "said twice: %s", said_text);
}

Test(notes, a_folder_that_cannot_be_made_is_an_error)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	FILE *file = fopen(folder, "w");

	fclose(file);
	cr_expect_eq(notes_change(notes, queue, set_tag, (void *)"a"), -ENOTDIR);
	cr_expect_str_eq(tag_of(notes, queue), "");
	unlink(folder);
}

/* ---- durable queues --------------------------------------------------------------------------- */

static char tmpfs[TMPDIR_BYTES], disk[TMPDIR_BYTES], journal[TMPDIR_BYTES + 16];
static struct rlq_directory *directory;
static struct rlq_engine *engine;
static pthread_t engine_thread;

static void *serve(void *context)
{
	rlq_engine_run(context);
	return NULL;
}

static void start_machine(void)
{
	struct rlq_engine_options options = RLQ_ENGINE_OPTIONS_INIT;

	options.data = journal;
	cr_assert_eq(rlq_directory_open(tmpfs, &directory), 0);
	cr_assert_eq(rlq_engine_open(tmpfs, &options, &engine), 0);
	cr_assert_eq(pthread_create(&engine_thread, NULL, serve, engine), 0);
	while (!rlq_directory_has_engine(directory))
		sched_yield();
	notes = notes_open(tmpfs, journal);
}

static void stop_machine(void)
{
	notes_close(notes);
	rlq_engine_stop(engine);
	pthread_join(engine_thread, NULL);
	rlq_engine_close(engine);
	rlq_directory_close(directory);
}

static struct rlq_queue *durable_queue(void)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;
	int result;

	attributes.durability = RLQ_SYNC;
	do /* the journal begins a moment after its engine */
		result = rlq_queue_create(directory, "q", &attributes);
	while (result == RLQ_EENGINE);
	cr_assert_geq(result, 0);
	cr_assert_eq(rlq_queue_open(directory, "q", &queue), 0);
	return queue;
}

Test(notes_of_durable_queues, outlive_a_reboot, .timeout = 60)
{
	char kept[TMPDIR_BYTES + 32];
	struct rlq_queue *queue;

	tmpdir_make(tmpfs);
	tmpdir_make_on_disk(disk);
	snprintf(journal, sizeof(journal), "%s/journal", disk);
	snprintf(kept, sizeof(kept), "%s/sqs", journal);
	start_machine();
	queue = durable_queue();
	tag(notes, queue, "a");
	rlq_queue_close(queue);
	stop_machine();
	tmpdir_empty(tmpfs);
	cr_expect_eq(tmpdir_count(tmpfs, ".sqs"), 0);
	start_machine();
	queue = durable_queue();
	cr_expect_str_eq(tag_of(notes, queue), "a");
	cr_expect_eq(rlq_queue_remove(directory, "q"), 0);
	notes_drop(notes, queue);
	cr_expect_eq(tmpdir_count(kept, "q"), 0);
	rlq_queue_close(queue);
	stop_machine();
	tmpdir_remove(kept);
	tmpdir_remove(journal);
	tmpdir_remove(disk);
	tmpdir_remove(tmpfs);
}
