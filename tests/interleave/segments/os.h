/* Included before the sources of shm/ and client/ in the explorer's build: what they ask of the C library
 * that is not pure goes to os.c, files.c and heap.c. */
#ifndef INTERLEAVE_OS_H
#define INTERLEAVE_OS_H

/* files.c */
#define openat fake_openat
#define close fake_close
#define fstat fake_fstat
#define fstatat fake_fstatat
#define pread fake_pread
#define lseek fake_lseek
#define flock fake_flock
#define faccessat fake_faccessat
#define fchmod fake_fchmod
#define fchown fake_fchown
#define unlinkat fake_unlinkat
#define getpid fake_getpid
#define geteuid fake_geteuid

/* heap.c */
#define calloc fake_calloc
#define malloc fake_malloc
#define reallocarray fake_reallocarray
#define free fake_free

#endif
