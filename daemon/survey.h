/* What there is of a journal: its files and the heads of their frames, records unseen. Says which frames there
 * should be, so that whoever reads on can tell a torn end from damage. */
#ifndef DAEMON_SURVEY_H
#define DAEMON_SURVEY_H

#include "daemon/format.h"
#include "daemon/reader.h"

enum survey_head {
	SURVEY_WHOLE,	  /* both heads are sound, or one, and the other was never written */
	SURVEY_HALF,	  /* one is */
	SURVEY_NOT_BEGUN, /* zeros, or those of an older file that it was */
	SURVEY_BAD,
	SURVEY_ALIEN, /* not of a journal: to be refused, unless frames show that it was one */
};

struct survey_file {
	uint64_t number;
	uint64_t length;
	uint64_t head_number; /* which its head says; 0: none that is sound */
	enum survey_head head;
	uint64_t bad_head; /* of SURVEY_HALF: where */
	uint32_t seed;
	uint64_t key_id; /* its head says so; 0: plain, or unknown */
	unsigned char salt[FORMAT_SALT_BYTES];
	uint64_t first_lsn; /* its head says so, or the first sound frame; UINT64_MAX: unknown */
	uint64_t limit;	    /* frames from this number on do not count: a later file has them */
	uint64_t end;	    /* behind the last frame with a sound head; FORMAT_PAGE: there is none */
};

enum survey_refusal {
	SURVEY_NOT_REFUSED,
	SURVEY_REFUSED_NEWER,
	SURVEY_REFUSED_ALIEN,
	SURVEY_REFUSED_OTHER_JOURNAL
};

struct survey {
	uint64_t from;		   /* files before that number are none of it; 0: all are */
	struct survey_file *files; /* ascending */
	size_t count;
	uint64_t journal_id;	      /* 0: no file says it */
	unsigned char machine_id[16]; /* of the last file that says it */
	uint64_t durable;	      /* frames up to this number were durable: where one is not, it is damage */
	uint64_t turn_max, file_max;  /* highest numbers seen */
	bool is_complete;	      /* the heads of all frames were seen */
	enum survey_refusal refusal;
	uint64_t at_file;     /* which one was refused, or could not be read */
	uint64_t head_number; /* of one that has the head of another file of the journal: that one's; else 0 */
};

struct survey_text {
	char text[128];
};

/* What is wrong with a file that was refused, and what to do; of other errors the usual text. */
struct survey_text survey_refusal_text(int error, uint64_t head_number);

/* 0, or a negative errno: -ENOTSUP, -EMEDIUMTYPE, -EXDEV in the order of refusals, others from the disk. To be
 * freed in any case. */
int survey_make(const struct os_disk *disk, int folder, struct survey *ret_survey);
/* Only of the files of that number or a higher one. */
int survey_make_from(const struct os_disk *disk, int folder, uint64_t from, struct survey *ret_survey);
/* Only the heads of files, unless there is something wrong with one. Until the survey is complete, a file ends with
 * its last byte, and who reads frames notes what it sees: if all is as it should be, nothing else is needed, and
 * nothing is read twice. */
int survey_begin(const struct os_disk *disk, int folder, struct survey *ret_survey);
void survey_note(struct survey *survey, const struct format_frame *frame);
/* Nothing if it is. On failure at_file says where. */
int survey_complete(struct survey *survey, const struct os_disk *disk, int folder);
void survey_free(struct survey *survey);

#endif
