#include "kmod-free/thread.h"

#include <signal.h>

int os_thread_start(const char *name, void *(*run)(void *context), void *context, pthread_t *ret_thread)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(ret_thread, NULL, run, context);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!error)
		pthread_setname_np(*ret_thread, name);
	return -error;
}
