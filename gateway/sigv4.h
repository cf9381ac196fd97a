/* AWS Signature Version 4. */
#ifndef GATEWAY_SIGV4_H
#define GATEWAY_SIGV4_H

#include "gateway/security.h"

/* signature_check(), of any service: for AWS's own test vectors. */
bool sigv4_check(struct credentials *credentials, const char *service, const struct signed_request *request,
		 struct caller *ret_caller, struct failure *failure);

#endif
