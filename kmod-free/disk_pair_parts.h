/* What the parts of disk_pair.h share. */
#ifndef OS_DISK_PAIR_PARTS_H
#define OS_DISK_PAIR_PARTS_H

#include "kmod-free/disk_pair.h"
#include "kmod-free/disk_pair_helper.h"

struct disk_pair {
	struct os_disk disk; /* first: the table's address is the pair's */
	struct disk_pair_side side[DISK_PAIR_SIDES];
	int folder; /* number of the pair's */
	int (*lost)(void *context, int side, int error);
	void *context;
	int lost_error[DISK_PAIR_SIDES]; /* 0: not lost */
	bool is_told;			 /* that a side is lost */
	struct pair_helper *helper;	 /* makes the second side's calls */
};

extern const struct os_queue_calls pair_queue_calls;

/* What the pair calls one descriptor: one of each side, or -1 where there is none. */
struct pair_descriptor {
	struct disk_pair *pair;
	int fd[DISK_PAIR_SIDES];
};

/* A number for it, or -EMFILE. */
int pair_number(struct disk_pair *pair, const int fd[DISK_PAIR_SIDES]);
/* Of -1: none. */
struct pair_descriptor pair_descriptor(int number);
/* Closes both, and the number. */
int pair_close(int number);

/* This side is no more. */
void pair_lose(struct disk_pair *pair, int side, int error);

/* Both sides have answered, but for one that is lost: what the pair answers, which may lose a side. */
int64_t pair_answer(struct disk_pair *pair, const int64_t answer[DISK_PAIR_SIDES]);

#endif
