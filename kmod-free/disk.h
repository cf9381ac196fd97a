/* Files on a disk, for what must outlive the machine. A table of calls, that tests replace by a disk that
 * loses power, is full or lies; whoever writes is handed one. Entries answer a number from 0 on (a
 * descriptor, a count of bytes), or a negative errno; they may stop short and answer -EINTR, which the
 * functions below the table make up for, unless it never ends: -EIO. Nothing is durable before it was flushed:
 * bytes of a file by `flush`, names by `flush_folder`.
 */
#ifndef OS_DISK_H
#define OS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OS_DISK_WRITE = 1,  /* to write and read, else only to read */
	OS_DISK_DIRECT = 2, /* past the page cache: memory, offsets and counts are multiples of OS_DISK_PAGE */
};

enum { OS_DISK_PAGE = 4096 };

/* So often in a row a call is made again that was interrupted, or refused for now; then that is a failure like
 * others: who waits for the call would never hear of it. */
enum { OS_DISK_TRIES = 1000 };

/* Writes and flushes of one file that are under way together, and end in any order. For one thread at a time. */
struct os_queue;

struct os_disk;

struct os_queue_calls {
	/* For up to `calls` under way, to files of this disk. An error: not on this machine. */
	int (*open)(const struct os_disk *disk, uint32_t calls, struct os_queue **ret_queue);
	/* Writes will come from this memory, of the caller's until close(): a hint. */
	void (*expect)(struct os_queue *queue, void *memory, size_t bytes);
	/* The file of all that follows, open until another one was set; -1: none. While nothing is under way. */
	void (*set_file)(struct os_queue *queue, int fd);
	/* Both only prepare. With `is_durable` the bytes written are flushed when it ends. A flush begins when all
	 * before it have ended, and what comes after waits for it. */
	void (*write)(struct os_queue *queue, uint64_t tag, const void *bytes, size_t count, uint64_t offset,
		      bool is_durable);
	void (*flush)(struct os_queue *queue, uint64_t tag);
	/* Begins what was prepared. 0 or, if that will never be possible any more, an error. */
	int (*submit)(struct os_queue *queue);
	/* The same, and returns when one has ended: its tag, and what the call of the table below would have
	 * answered. Not to be called when none is under way. */
	int (*wait)(struct os_queue *queue, uint64_t *ret_tag, int64_t *ret_answer);
	/* Of what is under way, the memory may be written until it has ended. NULL: nothing. */
	void (*close)(struct os_queue *queue);
};

struct os_disk {
	int (*open_folder)(const char *path);
	int (*close)(int fd); /* of a file or a folder */
	/* A new, empty file for writing; -EEXIST if there is one. Mode 0600. */
	int (*create)(int folder, const char *name, uint32_t flags);
	int (*open)(int folder, const char *name, uint32_t flags); /* -EINVAL: no OS_DISK_DIRECT here */
	/* Calls `found` for each name but . and .., until one answers other than 0, and answers that. */
	int (*list)(int folder, int (*found)(void *context, const char *name), void *context);
	int (*rename)(int folder, const char *from, const char *to); /* replaces `to` */
	int (*unlink)(int folder, const char *name);
	int64_t (*write)(int fd, const void *bytes, size_t count, uint64_t offset);
	/* The same, and what it has written is flushed. NULL: a write and a flush do as well. */
	int64_t (*write_durably)(int fd, const void *bytes, size_t count, uint64_t offset);
	int64_t (*read)(int fd, void *ret_bytes, size_t count, uint64_t offset); /* 0: behind the end */
	int (*flush)(int fd);
	int (*flush_folder)(int folder);
	/* Space for [offset, offset + bytes), and the length to go with it; -EOPNOTSUPP where only writing
	 * helps. */
	int (*allocate)(int fd, uint64_t offset, uint64_t bytes);
	int64_t (*length)(int fd);
	bool reads_beside;		    /* while one thread reads, others may call */
	const struct os_queue_calls *queue; /* NULL: one call after the other */
	/* A descriptor whose file stays open as long as a call of a queue of this disk is under way, also when the
	 * process has been killed: a lock by flock() on it tells others that no late write will come. 0: none. */
	int kept_open;
};

/* The machine's own. */
extern const struct os_disk os_disk_real;

/* Writes all of it; 0 or a negative errno. */
int os_disk_write(const struct os_disk *disk, int fd, const void *bytes, size_t count, uint64_t offset);

/* The same, and then they are flushed. */
int os_disk_write_durably(const struct os_disk *disk, int fd, const void *bytes, size_t count, uint64_t offset);

/* Reads up to the end of the file: how many bytes there were, or a negative errno. */
int64_t os_disk_read(const struct os_disk *disk, int fd, void *ret_bytes, size_t count, uint64_t offset);

/* 0 or a negative errno. */
int os_disk_flush(const struct os_disk *disk, int fd);
int os_disk_allocate(const struct os_disk *disk, int fd, uint64_t offset, uint64_t bytes);

#endif
