#include "tests/interleave/coroutine.h"

#include <stdint.h>

#if defined(__x86_64__)
enum { SAVED = 6, RETURN_AT = 6 }; /* rbx rbp r12-r15, then the return address */
__asm__(".text\n"
	".globl coroutine_switch\n"
	".type coroutine_switch, @function\n"
	"coroutine_switch:\n"
	"	push %rbp\n	push %rbx\n	push %r12\n	push %r13\n	push %r14\n	push %r15\n"
	"	mov %rsp, (%rdi)\n"
	"	mov %rsi, %rsp\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbx\n	pop %rbp\n"
	"	ret\n"
	".size coroutine_switch, . - coroutine_switch\n");
enum { FRAME_WORDS = SAVED + 2 }; /* entry finds the stack as after a call: 8 past a multiple of 16 */
#elif defined(__aarch64__)
enum { RETURN_AT = 11 }; /* x19-x28, x29, x30, d8-d15 */
__asm__(".text\n"
	".globl coroutine_switch\n"
	".type coroutine_switch, %function\n"
	"coroutine_switch:\n"
	"	sub sp, sp, #160\n"
	"	stp x19, x20, [sp]\n	stp x21, x22, [sp, #16]\n	stp x23, x24, [sp, #32]\n"
	"	stp x25, x26, [sp, #48]\n	stp x27, x28, [sp, #64]\n	stp x29, x30, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n	stp d10, d11, [sp, #112]\n"
	"	stp d12, d13, [sp, #128]\n	stp d14, d15, [sp, #144]\n"
	"	mov x9, sp\n	str x9, [x0]\n	mov sp, x1\n"
	"	ldp x19, x20, [sp]\n	ldp x21, x22, [sp, #16]\n	ldp x23, x24, [sp, #32]\n"
	"	ldp x25, x26, [sp, #48]\n	ldp x27, x28, [sp, #64]\n	ldp x29, x30, [sp, #80]\n"
	"	ldp d8, d9, [sp, #96]\n	ldp d10, d11, [sp, #112]\n"
	"	ldp d12, d13, [sp, #128]\n	ldp d14, d15, [sp, #144]\n"
	"	add sp, sp, #160\n"
	"	ret\n"
	".size coroutine_switch, . - coroutine_switch\n");
enum { FRAME_WORDS = 20 };
#else
#error "tests/interleave knows x86-64 and arm64"
#endif

void *coroutine_prepare(void *top, void (*entry)(void))
{
	uint64_t *frame = (uint64_t *)top - FRAME_WORDS;

	for (int i = 0; i < FRAME_WORDS; i++)
		frame[i] = 0;
	frame[RETURN_AT] = (uint64_t)(uintptr_t)entry;
	return frame;
}
