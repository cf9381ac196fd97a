#include "bench/peers/server.h"

#include "bench/peers/peer.h"
#include "bench/team.h"

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534, POLL_US = 10000 };

static const char *base;
static char unpacked[SERVER_PATH_MAX] = PEERS_FOLDER;

void servers_below(const char *folder)
{
	base = folder;
}

static bool is_root(void)
{
	return geteuid() == 0;
}

/* ---- rights ----------------------------------------------------------------------------------- */

/* PostgreSQL refuses root, and the others need not be it. */
static bool drop_rights(void)
{
	return !is_root() || (setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
}

static bool its_user_reaches(const char *path)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(drop_rights() && access(path, X_OK) == 0 ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

bool server_prepare(struct server *server, const char *name)
{
	server->name = name;
	snprintf(server->folder, sizeof(server->folder), "%s/%s", base, name);
	if (mkdir(server->folder, 0700) != 0 || (is_root() && chown(server->folder, NOBODY, NOBODY) != 0))
		snprintf(server->why, sizeof(server->why), "%s: %m", server->folder);
	else if (!its_user_reaches(server->folder))
		snprintf(server->why, sizeof(server->why), "user nobody cannot reach %s: set BENCH_DATA elsewhere",
			 server->folder);
	else
		return true;
	return false;
}

/* ---- processes -------------------------------------------------------------------------------- */

/* What set-up unpacked has its libraries beside it. */
static void point_to_libraries(const char *program)
{
	char pattern[SERVER_PATH_MAX + 32];
	glob_t found;

	if (strncmp(program, unpacked, strlen(unpacked)) != 0)
		return;
	snprintf(pattern, sizeof(pattern), "%s/usr/lib/*-linux-gnu*", unpacked);
	if (glob(pattern, 0, NULL, &found) == 0)
		setenv("LD_LIBRARY_PATH", found.gl_pathv[0], 1);
}

static void become(const struct server *server, const char *const *argv, int end_signal, pid_t parent)
{
	int log;

	if (!drop_rights() || chdir(server->folder) != 0)
		_exit(126);
	prctl(PR_SET_PDEATHSIG, end_signal); /* after the change of user, which clears it */
	log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (getppid() != parent || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
		_exit(126);
	point_to_libraries(argv[0]);
	execv(argv[0], (char *const *)argv);
	dprintf(STDERR_FILENO, "%s: %m\n", argv[0]);
	_exit(127);
}

static int spawn(const struct server *server, const char *const *argv, int end_signal)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become(server, argv, end_signal, parent);
	return pid;
}

/* The last line that it wrote. */
static void explain(struct server *server, const char *what)
{
	char path[SERVER_PATH_MAX + 8], line[256], last[256] = "it says nothing";
	FILE *log;

	snprintf(path, sizeof(path), "%s/log", server->folder);
	log = fopen(path, "r");
	while (log && fgets(line, sizeof(line), log)) {
		line[strcspn(line, "\n")] = '\0';
		for (char *quote; (quote = strpbrk(line, "\"\\\t"));)
			*quote = '\''; /* it may go into JSON */
		if (line[0])
			memcpy(last, line, sizeof(last));
	}
	if (log)
		fclose(log);
	snprintf(server->why, sizeof(server->why), "%s: %s", what, last);
}

bool server_run(struct server *server, const char *const *argv)
{
	int pid = spawn(server, argv, SIGTERM), status = 0;

	if (pid > 0 && waitpid(pid, &status, 0) == pid && status == 0)
		return true;
	explain(server, "its set-up failed");
	return false;
}

void server_start(struct server *server, const char *const *argv, int end_signal)
{
	server->pid = spawn(server, argv, end_signal);
}

bool server_await(struct server *server, double since)
{
	bool is_over = server->pid <= 0 || waitpid(server->pid, NULL, WNOHANG) != 0;

	if (is_over)
		explain(server, "the server ended at once");
	else if (seconds_now() - since > PEER_PATIENCE_S)
		explain(server, "the server does not answer");
	else
		return usleep(POLL_US) == 0;
	return false;
}

/* ---- programs --------------------------------------------------------------------------------- */

static bool find_below(const char *root, const char *pattern, char *ret_path)
{
	char whole[2 * SERVER_PATH_MAX];
	glob_t found;

	snprintf(whole, sizeof(whole), "%s/%s", root, pattern);
	if (glob(whole, 0, NULL, &found) != 0)
		return false;
	snprintf(ret_path, SERVER_PATH_MAX, "%s", found.gl_pathv[found.gl_pathc - 1]);
	globfree(&found);
	return true;
}

/* Root's checkout may be closed to others. */
static bool copy_for_nobody(void)
{
	char command[3 * SERVER_PATH_MAX];

	snprintf(command, sizeof(command), "cp -r '%s' '%s/unpacked' && chmod -R a+rX '%s/unpacked'", unpacked,
		 base, base);
	if (system(command) != 0)
		return false;
	snprintf(unpacked, sizeof(unpacked), "%s/unpacked", base);
	return true;
}

bool server_find(struct server *server, const char *pattern, char *ret_path)
{
	if (find_below(unpacked, pattern, ret_path)) {
		if (its_user_reaches(ret_path))
			return true;
		if (copy_for_nobody() && find_below(unpacked, pattern, ret_path))
			return true;
	}
	if (find_below("", pattern, ret_path))
		return true;
	snprintf(server->why, sizeof(server->why), "no /%s, nor one in %s", pattern, unpacked);
	return false;
}
