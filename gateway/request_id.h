/* Ids of requests: random UUIDs. */
#ifndef GATEWAY_REQUEST_ID_H
#define GATEWAY_REQUEST_ID_H

/* Thread-safe. */
void request_id_make(char ret_text[37]);

#endif
