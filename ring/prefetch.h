/* Cache lines asked for before they are needed. Hints: nothing depends on them, and any address will do. */
#ifndef RL_PREFETCH_H
#define RL_PREFETCH_H

/* To be read. */
static inline void prefetch(const void *at)
{
	__builtin_prefetch(at, 0, 3);
}

/* To be changed: taken from whoever has changed it last, so that a locked operation finds it ours. */
static inline void prefetch_own(const void *at)
{
#if defined(__x86_64__)
	/* What __builtin_prefetch(at, 1) leaves out unless told of the processor. */
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)at));
#else
	__builtin_prefetch(at, 1, 3);
#endif
}

#endif
