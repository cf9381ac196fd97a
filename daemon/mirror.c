#include "daemon/mirror.h"

#include "daemon/mirror_join.h"
#include "daemon/unlock.h"
#include "kmod-free/machine_id.h"
#include "ringlease.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { WHY_BYTES = 512 };

#define say(mirror, ...) ((mirror)->options.say)((mirror)->options.context, __VA_ARGS__)

/* ---- what they say of themselves -------------------------------------------------------------- */

static int look_at(struct mirror *mirror, struct mirror_end *end)
{
	int error = standing_look(end->disk, end->folder, &end->look);

	if (error == -EBADMSG)
		say(mirror,
		    "journal %s: its file 'standing' is damaged, so it may be behind a mirror; remove that file "
		    "if it is not",
		    end->path);
	else if (error == -ENOTSUP)
		say(mirror, "journal %s: its file 'standing' is of a newer version; use that version of ringleased",
		    end->path);
	else if (error)
		say(mirror, "journal %s: cannot be read: %s", end->path, rlq_strerror(error));
	return error;
}

int mirror_write_standing(struct mirror *mirror, struct mirror_end *end)
{
	int error;

	memcpy(end->look.standing.machine_id, mirror->machine_id, sizeof(mirror->machine_id));
	error = standing_write(end->disk, end->folder, &end->look.standing);
	if (error)
		say(mirror, "journal %s: cannot be written to: %s", end->path, rlq_strerror(error));
	return error;
}

/* ---- the machine ------------------------------------------------------------------------------ */

static bool is_nobody(const unsigned char id[OS_MACHINE_ID_BYTES])
{
	static const unsigned char nobody[OS_MACHINE_ID_BYTES];

	return memcmp(id, nobody, sizeof(nobody)) == 0;
}

static bool is_of_another(const struct mirror *mirror, const struct mirror_end *end)
{
	return !is_nobody(mirror->machine_id) && !is_nobody(end->look.machine_id) &&
	       memcmp(mirror->machine_id, end->look.machine_id, sizeof(mirror->machine_id)) != 0;
}

static int judge_machine(struct mirror *mirror, struct mirror_end *end)
{
	if (!is_of_another(mirror, end))
		return 0;
	if (!mirror->options.adopt) {
		say(mirror,
		    "journal %s: was written on another machine, which may still use it or have a later one; if it "
		    "was moved here for good, start once with --adopt",
		    end->path);
		return -EPERM;
	}
	end->is_adopted = true;
	return 0;
}

/* Only who goes on with it takes it for good. */
int mirror_adopt(struct mirror *mirror)
{
	int error = 0;

	for (int i = 0; i < DISK_PAIR_SIDES && !error; i++) {
		struct mirror_end *end = &mirror->end[i];

		if (!end->is_adopted)
			continue;
		if (end->look.standing.state == 0)
			end->look.standing.state = STANDING_SINGLE;
		error = mirror_write_standing(mirror, end);
		end->is_adopted = false;
		if (!error)
			say(mirror, "journal %s: was written on another machine; adopted", end->path);
	}
	return error;
}

/* ---- its files -------------------------------------------------------------------------------- */

/* Who has forgotten a key, or named a folder of something else, is not to be left with two folders that went on
 * alone, with one fewer, or with a mirror that was never wanted. */
static int judge_files(struct mirror *mirror, const struct mirror_end *end, bool is_in_step)
{
	char name[FORMAT_FILE_NAME_BYTES], wanted[KEYS_ID_TEXT_BYTES];
	uint64_t file, key, head;
	int error = unlock_check(end->disk, end->folder, mirror->options.keys, &file, &key, &head);

	if (is_in_step && (error == -EMEDIUMTYPE || error == -EXDEV))
		return 0; /* damage, which the other one need not have */
	format_file_name(file, name);
	if (error == -ENOKEY) {
		keys_id_format(key, wanted);
		say(mirror,
		    "journal %s: %s is encrypted with key %s, which was not given (--key-file, or --old-key-file "
		    "for one that was replaced); nothing was changed",
		    end->path, name, wanted);
	} else if (error) {
		say(mirror, "journal %s: %s %s; nothing was changed", end->path, name,
		    survey_refusal_text(error, head).text);
	}
	return error;
}

/* ---- one folder ------------------------------------------------------------------------------- */

static const char *other_of(const struct mirror_end *end)
{
	return end->look.standing.other;
}

static int go_on_alone(struct mirror *mirror, struct mirror_end *end)
{
	end->look.standing.state = STANDING_ALONE;
	return mirror_write_standing(mirror, end);
}

static int start_single(struct mirror *mirror)
{
	struct mirror_end *end = &mirror->end[0];
	const enum mirror_single verdict = mirror_judge_single(&end->look);
	const bool is_asked_for =
		verdict == MIRROR_BEHIND ? mirror->options.accept_stale : mirror->options.without_mirror;
	int error;

	if (verdict == MIRROR_CURRENT) {
		if (end->look.standing.state == STANDING_ALONE)
			say(mirror,
			    "journal %s: has lost its mirror %s; --mirror with an empty folder makes a new one",
			    end->path, other_of(end));
		return judge_files(mirror, end, false);
	}
	if (!is_asked_for && verdict == MIRROR_BEHIND)
		say(mirror,
		    "journal %s: is STALE: its mirror %s went on without it; start with that one, or with "
		    "--accept-stale "
		    "to lose what only that one has",
		    end->path, other_of(end));
	else if (!is_asked_for)
		say(mirror,
		    "journal %s: has a mirror %s, which is missing and may have gone on without it; name it with "
		    "--mirror, "
		    "or start with --without-mirror if it is lost",
		    end->path, other_of(end));
	if (!is_asked_for)
		return -EPERM;
	error = judge_files(mirror, end, false);
	if (!error)
		error = go_on_alone(mirror, end);
	if (!error)
		say(mirror, "journal %s: GOES ON WITHOUT ITS MIRROR %s, as was asked for", end->path,
		    other_of(end));
	return error;
}

/* ---- the second folder ------------------------------------------------------------------------ */

static int refuse(struct mirror *mirror, enum mirror_verdict verdict)
{
	const char *first = mirror->end[0].path, *second = mirror->end[1].path;

	switch (verdict) {
	case MIRROR_FIRST_MISSING:
		say(mirror,
		    "journal %s: is MISSING: the folder is empty, and its mirror %s has a journal; if this one is "
		    "lost, "
		    "start with --data %s --without-mirror",
		    first, second, second);
		break;
	case MIRROR_SECOND_MISSING:
		say(mirror,
		    "journal %s: its mirror %s is MISSING: there is nothing in it; if it is lost, start once with "
		    "--without-mirror, then with --mirror for a new one",
		    first, second);
		break;
	case MIRROR_DIVERGED:
		say(mirror,
		    "journal %s and mirror %s: each has gone on without the other; start with the one to keep "
		    "alone, "
		    "then with an empty folder as --mirror",
		    first, second);
		break;
	case MIRROR_BOTH_STALE:
		say(mirror,
		    "journal %s and mirror %s: both are STALE: a third folder went on; start with that one, or "
		    "with one "
		    "of these and --accept-stale",
		    first, second);
		break;
	default:
		say(mirror, "mirror %s: has a journal of its own, not that of %s; name an empty folder", second,
		    first);
	}
	return -EPERM;
}

static int open_second(struct mirror *mirror)
{
	struct mirror_end *end = &mirror->end[1];
	char why[WHY_BYTES];
	int error = data_folder_open(end->path, &mirror->second, why, sizeof(why));

	if (error) {
		say(mirror, "mirror %s (--without-mirror starts without it)", why);
		return error;
	}
	end->own = *end->disk;
	end->own.kept_open = mirror->second.lock_fd;
	end->disk = &end->own;
	end->folder = end->disk->open_folder(end->path);
	if (end->folder < 0)
		say(mirror, "mirror %s: %s (--without-mirror starts without it)", end->path,
		    rlq_strerror(end->folder));
	return end->folder < 0 ? end->folder : 0;
}

/* It is not made before it is known to be wanted: a disk that is not mounted looks so. */
static int look_at_second(struct mirror *mirror)
{
	struct mirror_end *end = &mirror->end[1];
	struct stat first, second;
	int error;

	if (stat(end->path, &second) < 0 && errno == ENOENT)
		return 0;
	if (stat(mirror->end[0].path, &first) == 0 && stat(end->path, &second) == 0 &&
	    first.st_dev == second.st_dev && first.st_ino == second.st_ino) {
		say(mirror, "mirror %s: is the journal's own folder; name another one", end->path);
		return -EINVAL;
	}
	error = open_second(mirror);
	if (!error)
		error = look_at(mirror, end);
	return error ? error : judge_machine(mirror, end);
}

/* ---- a side that fails ------------------------------------------------------------------------ */

/* While turns are written, in their thread. */
static int lost(void *context, int side, int error)
{
	struct mirror *mirror = context;
	struct mirror_end *left = &mirror->end[1 - side], *gone = &mirror->end[side];
	int failure = go_on_alone(mirror, left);

	if (failure)
		return failure;
	say(mirror,
	    "MIRROR LOST: %s: %s; going on with %s alone (start again with both when it works: it is then filled "
	    "anew)",
	    gone->path, rlq_strerror(error), left->path);
	gone->look.standing.state = STANDING_STALE;
	standing_write(gone->disk, gone->folder, &gone->look.standing);
	return 0;
}

/* ---- public ----------------------------------------------------------------------------------- */

static void warn_of_same_disk(struct mirror *mirror)
{
	struct stat first, second;

	if (stat(mirror->end[0].path, &first) == 0 && stat(mirror->end[1].path, &second) == 0 &&
	    first.st_dev == second.st_dev)
		say(mirror, "warning: mirror %s is on the same file system as the journal, and is lost with it",
		    mirror->end[1].path);
}

static int make_pair(struct mirror *mirror, const struct os_disk **disk, int *folder)
{
	const struct disk_pair_side sides[DISK_PAIR_SIDES] = {{mirror->end[0].disk, mirror->end[0].folder},
							      {mirror->end[1].disk, mirror->end[1].folder}};
	int error = disk_pair_open(sides, lost, mirror, &mirror->pair);

	*folder = error ? -1 : disk_pair_folder(mirror->pair);
	if (error) {
		mirror->end[1].folder = -1;
		say(mirror, "mirror %s: %s", mirror->end[1].path, rlq_strerror(error));
		return error;
	}
	*disk = disk_pair_disk(mirror->pair);
	say(mirror, "journal %s: in step with its mirror %s", mirror->end[0].path, mirror->end[1].path);
	warn_of_same_disk(mirror);
	return 0;
}

static int start_pair(struct mirror *mirror, const struct os_disk **disk, int *folder)
{
	enum mirror_verdict verdict;
	int error = look_at_second(mirror);

	if (error)
		return error;
	verdict = mirror_judge(&mirror->end[0].look, &mirror->end[1].look);
	if (verdict > MIRROR_FILL_FIRST)
		return refuse(mirror, verdict);
	error = judge_files(mirror, &mirror->end[verdict == MIRROR_FILL_FIRST], verdict == MIRROR_IN_STEP);
	if (!error && mirror->end[1].folder < 0)
		error = open_second(mirror);
	if (!error)
		error = mirror_join(mirror, verdict);
	return error ? error : make_pair(mirror, disk, folder);
}

int mirror_start(struct mirror *mirror, const struct mirror_options *options, const char *path,
		 const struct os_disk **disk, int *folder)
{
	int error;

	*mirror = (struct mirror){.options = *options, .second = {.fd = -1, .lock_fd = -1}};
	mirror->end[0] = (struct mirror_end){.path = mirror->first_path, .disk = *disk, .folder = *folder};
	mirror->end[1] = (struct mirror_end){
		.path = mirror->second_path, .disk = options->disk ? options->disk : *disk, .folder = -1};
	snprintf(mirror->first_path, sizeof(mirror->first_path), "%s", path);
	snprintf(mirror->second_path, sizeof(mirror->second_path), "%s", options->path ? options->path : "");
	error = os_machine_id(mirror->machine_id);
	if (error == -EINVAL) {
		say(mirror, "RINGLEASE_MACHINE_ID: not 32 hexadecimal digits");
		return error;
	}
	error = look_at(mirror, &mirror->end[0]);
	if (!error)
		error = judge_machine(mirror, &mirror->end[0]);
	if (error)
		return error;
	return options->path ? start_pair(mirror, disk, folder) : start_single(mirror);
}

void mirror_end(struct mirror *mirror)
{
	if (mirror->pair)
		disk_pair_close(mirror->pair);
	else if (mirror->end[1].disk && mirror->end[1].folder >= 0)
		mirror->end[1].disk->close(mirror->end[1].folder);
	mirror->pair = NULL;
	mirror->end[1].folder = -1;
	if (mirror->end[1].disk)
		data_folder_close(&mirror->second);
}
