/* Makes the journals of two folders the same, while an engine starts. */
#ifndef DAEMON_MIRROR_JOIN_H
#define DAEMON_MIRROR_JOIN_H

#include "daemon/mirror.h"
#include "daemon/mirror_judge.h"

/* As the verdict says, which is none of the refusals; both are PAIRED then. On failure it has been said why. */
int mirror_join(struct mirror *mirror, enum mirror_verdict verdict);

/* What `look` has, with this machine's id. On failure it has been said why. */
int mirror_write_standing(struct mirror *mirror, struct mirror_end *end);

#endif
