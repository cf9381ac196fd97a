/* Stands in for parts that are on their way; goes before this lands. */
/* clang-format off */
#include "gateway/gateway.h"
#include "gateway/address.h"
#include "gateway/notes.h"
#include "gateway/moves.h"
#include "gateway/security.h"
#include "gateway/inspect.h"
#include <stdio.h>
#define STUB(n) __attribute__((weak)) enum call_outcome n(struct call *c){return call_fail(c,INTERNAL_FAILURE,"stub");}
STUB(action_add_permission) STUB(action_cancel_message_move_task) STUB(action_delete_queue) STUB(action_get_queue_attributes) STUB(action_get_queue_url) STUB(action_list_dead_letter_source_queues) STUB(action_list_message_move_tasks) STUB(action_list_queue_tags) STUB(action_list_queues) STUB(action_purge_queue) STUB(action_remove_permission) STUB(action_set_queue_attributes) STUB(action_start_message_move_task) STUB(action_tag_queue) STUB(action_untag_queue)
__attribute__((weak)) enum call_outcome action_create_queue(struct call *c){ const char*n=input_text(c->input,"QueueName"); struct rlq_queue_attributes a=RLQ_QUEUE_ATTRIBUTES_INIT; a.durability=c->gateway->durability; int e=rlq_queue_create(c->gateway->directory,n,&a); char u[ADDRESS_TEXT_BYTES]; if(e<0){failure_from_library(&c->failure,e);return CALL_FAILED;} address_url(c,n,u); json_object_set_new(c->output,"QueueUrl",json_string(u)); return CALL_DONE;}
__attribute__((weak)) void credentials_close(struct credentials*c){(void)c;} __attribute__((weak)) struct credentials*credentials_open(const char*p,const char*a,char f[256]){(void)p;(void)a;(void)f;return 0;}
__attribute__((weak)) bool inspect_messages(struct gateway*g,struct handles*h,struct exchange*e){(void)g;(void)h;(void)e;return false;}
__attribute__((weak)) struct moves*moves_open(struct rlq_directory*d){return (void*)d;} __attribute__((weak)) void moves_close(struct moves*m){(void)m;}
__attribute__((weak)) struct notes*notes_open(const char*d,const char*x){(void)x;return (void*)d;} __attribute__((weak)) void notes_close(struct notes*n){(void)n;} __attribute__((weak)) json_t*notes_read(struct notes*n,struct rlq_queue*q){(void)n;(void)q;return json_object();}
__attribute__((weak)) bool policy_allows(const char *policy, const struct caller *caller, const char *account, const char *action, const char *queue_arn, struct failure *failure){return true;}
__attribute__((weak)) bool signature_check(struct credentials *credentials, const struct signed_request *request, struct caller *ret_caller, struct failure *failure){return true;}
__attribute__((weak)) bool signature_region(const struct signed_request *request, char ret_region[REGION_TEXT_BYTES]){return false;}
