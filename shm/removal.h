/* The end of a queue: it is marked, then the name is taken from its file. Removers of one take turns; one that was
 * killed in between is finished by whoever wants the name. */
#ifndef SEG_REMOVAL_H
#define SEG_REMOVAL_H

#include "shm/directory.h"

/* Marks it removed, wakes all sleepers, unlinks the file. */
int seg_remove(const struct seg_directory *directory, const char *name);

/* The same for a queue that was just made, and that no journal knows of. */
int seg_withdraw(const struct seg_directory *directory, const char *name);

/* Takes away the name of a queue whose remover was killed after marking it; nothing if there is none. */
void seg_finish_removal(const struct seg_directory *directory, const char *name);

#endif
