/* Proof of life and death of processes that share a directory.
 *
 * Each process locks a file of its own, DIR/.alive-KEY, with a classic byte-range lock (fcntl
 * F_SETLK). The kernel drops it when the process ends, after its last thread has given up its memory;
 * a fork does not inherit it; it works across PID namespaces and knows no PID reuse. Nobody else in
 * the process opens the file, for closing any descriptor of it would drop the lock: a process asked
 * about a key of its own (also one of another struct os_liveness) answers without opening it.
 */
#ifndef OS_LIVENESS_H
#define OS_LIVENESS_H

#include <stdbool.h>
#include <stdint.h>

struct os_liveness {
	int directory_fd; /* borrowed */
	int fd;
	int pid;
	uint64_t key; /* random, never 0; the upper half is the same for all keys of a process */
};

enum os_life { OS_ALIVE, OS_DEAD };

/* Creates and locks this process's file. 0 or a negative errno. */
int os_liveness_start(int directory_fd, struct os_liveness *ret_liveness);

/* Drops the lock and removes the file. In a forked child it does neither: it only closes. */
void os_liveness_stop(struct os_liveness *liveness);

/* Is the process with that key alive? Dead only when the kernel says that nobody holds the lock. A
 * file that is missing is dead too: only os_liveness_forget and os_liveness_stop remove it. */
enum os_life os_liveness_ask(const struct os_liveness *self, uint64_t key);

/* Another process that is asked about again and again: its file stays open. Zeros: none yet. One thread at a time.
 */
struct os_peer {
	uint64_t key;
	int fd;
};

/* As os_liveness_ask(), by one system call instead of three while the same process lives. */
enum os_life os_liveness_ask_again(const struct os_liveness *self, struct os_peer *peer, uint64_t key);
void os_peer_drop(struct os_peer *peer);

extern const int *os_process_pid; /* the pid of this process, right also in a forked child */

/* Is this still the process that started `self`, not a forked child? One comparison, no system call
 * (the pid is remembered in a page that the kernel empties in every child). */
static inline bool os_liveness_is_own(const struct os_liveness *self)
{
	return self->pid == __atomic_load_n(os_process_pid, __ATOMIC_RELAXED);
}

/* Removes the file of a dead process, once no segment names it. */
void os_liveness_forget(const struct os_liveness *self, uint64_t key);

/* Calls `each` with the key of every .alive- file in the directory. */
int os_liveness_list(int directory_fd, void (*each)(void *context, uint64_t key), void *context);

#endif
