#include "gateway/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/security.h"

/* What tells one state of the file from the next. */
struct stamp {
	dev_t device;
	ino_t inode;
	off_t bytes;
	struct timespec changed, modified;
	mode_t mode;
};

struct credentials {
	char *path;
	char account[ACCOUNT_TEXT_BYTES];
	pthread_mutex_t lock; /* of all below */
	struct stamp stamp;   /* zeros: the file is gone */
	struct profiles *profiles;
	char warning[CREDENTIALS_TEXT_BYTES]; /* not yet told; "": none */
};

static struct stamp stamp_of(const struct stat *status)
{
	return (struct stamp){.device = status->st_dev,
			      .inode = status->st_ino,
			      .bytes = status->st_size,
			      .changed = status->st_ctim,
			      .modified = status->st_mtim,
			      .mode = status->st_mode};
}

static bool stamps_equal(const struct stamp *a, const struct stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes && a->mode == b->mode &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec &&
	       a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

/* The stamp is of the very file that is read, whatever its path leads to meanwhile. Does not wait for the writer of
 * a pipe. */
static struct profiles *file_read(const char *path, const char *account, struct stamp *ret_stamp,
				  char ret_fault[CREDENTIALS_TEXT_BYTES])
{
	char fault[CREDENTIALS_TEXT_BYTES] = "not a regular file";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct profiles *profiles = NULL;
	FILE *file = NULL;
	struct stat status;

	if (fd < 0 || fstat(fd, &status) != 0) {
		snprintf(fault, sizeof(fault), "%s", strerror(errno));
	} else if (S_ISREG(status.st_mode) && (file = fdopen(fd, "r")) != NULL) {
		*ret_stamp = stamp_of(&status);
		profiles = profiles_read(file, account, fault, sizeof(fault));
	}
	if (file != NULL)
		fclose(file);
	else if (fd >= 0)
		close(fd);
	if (profiles == NULL)
		snprintf(ret_fault, CREDENTIALS_TEXT_BYTES, "%s", fault);
	return profiles;
}

static void warn_if_exposed(struct credentials *credentials)
{
	mode_t mode = credentials->stamp.mode;

	if ((mode & (S_IROTH | S_IWOTH)) != 0)
		snprintf(credentials->warning, sizeof(credentials->warning),
			 "credentials file %.100s: every user of this machine may %s it; chmod 600 it",
			 credentials->path, (mode & S_IWOTH) != 0 ? "write" : "read");
}

struct credentials *credentials_open(const char *path, const char *account, char ret_fault[CREDENTIALS_TEXT_BYTES])
{
	struct credentials *credentials = calloc(1, sizeof(*credentials));

	if (credentials == NULL || (credentials->path = strdup(path)) == NULL) {
		snprintf(ret_fault, CREDENTIALS_TEXT_BYTES, "out of memory");
		free(credentials);
		return NULL;
	}
	pthread_mutex_init(&credentials->lock, NULL);
	snprintf(credentials->account, sizeof(credentials->account), "%s", account);
	credentials->profiles = file_read(path, account, &credentials->stamp, ret_fault);
	if (credentials->profiles == NULL) {
		credentials_close(credentials);
		return NULL;
	}
	warn_if_exposed(credentials);
	return credentials;
}

void credentials_close(struct credentials *credentials)
{
	if (credentials == NULL)
		return;
	profiles_free(credentials->profiles);
	pthread_mutex_destroy(&credentials->lock);
	free(credentials->path);
	free(credentials);
}

/* With the lock. A state of the file that is wrong is read once, and told once. */
static void refresh(struct credentials *credentials)
{
	char fault[CREDENTIALS_TEXT_BYTES];
	struct profiles *profiles;
	struct stamp now = {0};
	struct stat status;

	if (stat(credentials->path, &status) == 0)
		now = stamp_of(&status);
	if (stamps_equal(&now, &credentials->stamp))
		return;
	credentials->stamp = now;
	profiles = file_read(credentials->path, credentials->account, &credentials->stamp, fault);
	if (profiles == NULL) {
		snprintf(credentials->warning, sizeof(credentials->warning),
			 "credentials file %.80s: %.100s; what was read before stays in force", credentials->path,
			 fault);
		return;
	}
	profiles_free(credentials->profiles);
	credentials->profiles = profiles;
	warn_if_exposed(credentials);
}

bool credentials_find(struct credentials *credentials, const char *key_id, struct credential *ret_credential)
{
	const struct credential *found;

	pthread_mutex_lock(&credentials->lock);
	refresh(credentials);
	found = profiles_find(credentials->profiles, key_id);
	if (found != NULL)
		*ret_credential = *found;
	pthread_mutex_unlock(&credentials->lock);
	return found != NULL;
}

bool credentials_warning(struct credentials *credentials, char ret_warning[CREDENTIALS_TEXT_BYTES])
{
	bool is_there;

	pthread_mutex_lock(&credentials->lock);
	is_there = credentials->warning[0] != '\0';
	if (is_there)
		strcpy(ret_warning, credentials->warning);
	credentials->warning[0] = '\0';
	pthread_mutex_unlock(&credentials->lock);
	return is_there;
}
