/* Servers that the benchmark starts itself: each in a folder of its own, below one that goes at the end; never as
 * root; gone when this process is, however it ends. */
#ifndef BENCH_PEERS_SERVER_H
#define BENCH_PEERS_SERVER_H

#include <stdbool.h>
#include <stdint.h>

enum { SERVER_PATH_MAX = 256 };

struct server {
	const char *name;
	char folder[SERVER_PATH_MAX]; /* its user may write here */
	int pid;
	char why[512]; /* it is not there */
};

/* Where all servers' folders are made. */
void servers_below(const char *folder);

/* Makes the folder. */
bool server_prepare(struct server *server, const char *name);

/* Looks for a program by patterns of glob(3), relative to `/` and to where set-up unpacks. False: `why` says so. */
bool server_find(struct server *server, const char *pattern, char *ret_path);

/* Runs a program to its end; starts one that stays. Their output is in `log` in the folder, and its end in `why`. A
 * server gets `end_signal` when this process ends. */
bool server_run(struct server *server, const char *const *argv);
void server_start(struct server *server, const char *const *argv, int end_signal);

/* To be asked between two attempts to connect: waits a little. False: no longer worth it, `why` says so. */
bool server_await(struct server *server, double since);

#endif
